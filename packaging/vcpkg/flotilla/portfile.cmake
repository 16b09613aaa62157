# SPDX-License-Identifier: Apache-2.0
# An overlay port of the sources around it: vcpkg install flotilla --overlay-ports=packaging/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(
    OUT_FEATURE_OPTIONS
    FEATURE_OPTIONS
    FEATURES
    lmdb
    FLOTILLA_WITH_LMDB
    lz4
    FLOTILLA_WITH_LZ4
    tools
    FLOTILLA_BUILD_CLI
    tools
    FLOTILLA_BUILD_DAEMONS
    zstd
    FLOTILLA_WITH_ZSTD)
vcpkg_cmake_configure(
    SOURCE_PATH
    "${SOURCE_PATH}"
    OPTIONS
    ${FEATURE_OPTIONS}
    -DFLOTILLA_BUILD_BENCH=OFF
    -DFLOTILLA_BUILD_EXAMPLES=OFF
    -DFLOTILLA_BUILD_TESTS=OFF
    -DFLOTILLA_WITH_NCURSES=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME flotilla CONFIG_PATH lib/cmake/flotilla)
vcpkg_fixup_pkgconfig()
if("tools" IN_LIST FEATURES)
    vcpkg_copy_tools(TOOL_NAMES zmq flotilla-relay flotilla-broker flotilla-store AUTO_CLEAN)
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
