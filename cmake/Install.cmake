# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, in two parts: "runtime" (programs) and "development" (libraries
# and headers, found by find_package(flotilla) and pkg-config).
include(CMakePackageConfigHelpers)

get_property(flotilla_components GLOBAL PROPERTY FLOTILLA_COMPONENTS)
get_property(flotilla_programs GLOBAL PROPERTY FLOTILLA_PROGRAMS)

add_library(flotilla_flotilla INTERFACE)
add_library(flotilla::flotilla ALIAS flotilla_flotilla)
set_target_properties(flotilla_flotilla PROPERTIES EXPORT_NAME flotilla)
target_link_libraries(flotilla_flotilla INTERFACE ${flotilla_components})

if(NOT FLOTILLA_INSTALL)
    return()
endif()
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/flotilla")

# Libraries and headers.
install(
    TARGETS ${flotilla_components} flotilla_flotilla
    EXPORT flotillaTargets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
            COMPONENT runtime
            NAMELINK_COMPONENT development
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
    FILE_SET HEADERS
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    COMPONENT development)
install(
    EXPORT flotillaTargets
    NAMESPACE flotilla::
    DESTINATION "${package_dir}"
    COMPONENT development)

# find_package(flotilla).
list(TRANSFORM flotilla_components REPLACE "^flotilla_" "" OUTPUT_VARIABLE flotilla_component_names)
list(SORT flotilla_component_names)
list(JOIN flotilla_component_names ", " flotilla_component_names)
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/flotillaConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/package/flotillaConfig.cmake"
    INSTALL_DESTINATION "${package_dir}"
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/package/flotillaConfigVersion.cmake"
    # Before 1.0 each minor version may change the interface (docs/decisions/0002).
    COMPATIBILITY SameMinorVersion)
install(
    FILES "${PROJECT_BINARY_DIR}/package/flotillaConfig.cmake"
          "${PROJECT_BINARY_DIR}/package/flotillaConfigVersion.cmake"
    DESTINATION "${package_dir}"
    COMPONENT development)

# pkg-config. The linker wants users before what they use, so the floors go in from the top.
set(flotilla_pc_libs "${flotilla_components}")
list(REVERSE flotilla_pc_libs)
list(TRANSFORM flotilla_pc_libs PREPEND "-l")
list(JOIN flotilla_pc_libs " " flotilla_pc_libs)
set(flotilla_pc_needs libzmq libxxhash)
if(FLOTILLA_WITH_ZSTD)
    list(APPEND flotilla_pc_needs libzstd)
endif()
if(FLOTILLA_WITH_LZ4)
    list(APPEND flotilla_pc_needs liblz4)
endif()
if(FLOTILLA_WITH_LMDB)
    list(APPEND flotilla_pc_needs lmdb)
endif()
list(JOIN flotilla_pc_needs ", " flotilla_pc_needs)
# Archives carry no list of what they need: who links them links that as well.
set(flotilla_pc_requires "Requires")
if(BUILD_SHARED_LIBS)
    set(flotilla_pc_requires "Requires.private")
endif()
cmake_path(
    RELATIVE_PATH CMAKE_INSTALL_PREFIX
    BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig"
    OUTPUT_VARIABLE flotilla_pc_prefix)
configure_file("${CMAKE_CURRENT_LIST_DIR}/flotilla.pc.in" "${PROJECT_BINARY_DIR}/package/flotilla.pc"
               @ONLY)
install(
    FILES "${PROJECT_BINARY_DIR}/package/flotilla.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
    COMPONENT development)

# Programs, their manual pages, and the shells' completions, which the zmq program writes itself.
if(flotilla_programs)
    install(TARGETS ${flotilla_programs} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
                                                 COMPONENT runtime)
endif()
foreach(program IN LISTS flotilla_programs)
    set(page "${PROJECT_SOURCE_DIR}/docs/man/$<TARGET_FILE_BASE_NAME:${program}>.1")
    install(
        FILES "${page}"
        DESTINATION "${CMAKE_INSTALL_MANDIR}/man1"
        COMPONENT runtime)
endforeach()
if(TARGET flotilla_cli)
    include(Completions)
endif()

# Documents.
install(
    FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/README.md"
          "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}"
    COMPONENT runtime)
install(
    DIRECTORY "${PROJECT_SOURCE_DIR}/docs"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}"
    COMPONENT development
    FILES_MATCHING
    PATTERN "*.md")

if(PROJECT_IS_TOP_LEVEL)
    if(FLOTILLA_BUILD_DAEMONS)
        include(Systemd)
    endif()
    include(Packages)
endif()
