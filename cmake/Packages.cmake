# SPDX-License-Identifier: Apache-2.0
# `cpack -G DEB`: flotilla (the programs) and flotilla-dev (libraries, headers, documents).
set(CPACK_PACKAGE_NAME flotilla)
set(CPACK_PACKAGE_VENDOR "Flotilla maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "brokerless messaging over ZeroMQ with stated guarantees")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "Flotilla maintainers <maintainers@flotilla.invalid>")
set(CPACK_DEBIAN_PACKAGE_SECTION net)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME flotilla)
# Read off the programs by dpkg-shlibdeps, so that they name the oldest versions that will do.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
if(FLOTILLA_BUILD_DAEMONS)
    set(flotilla_debian "${PROJECT_SOURCE_DIR}/packaging/debian")
    set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
        "${flotilla_debian}/postinst;${flotilla_debian}/prerm;${flotilla_debian}/conffiles")
    set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_STRICT_PERMISSION ON)
    # For the system user.
    set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS
        "systemd | systemd-standalone-sysusers | systemd-sysusers")
endif()
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
    "The zmq command-line tool speaks every ZeroMQ socket type from the shell.
flotilla-relay joins publishers, pushers and requesters to their peers.
flotilla-broker routes requests to workers by the name of a service.
flotilla-store keeps queues of messages on disk.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME flotilla-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(flotilla_deb_needs "libzmq3-dev (>= 4.3.4)" libexpected-dev libxxhash-dev pkg-config)
if(FLOTILLA_WITH_ZSTD)
    list(APPEND flotilla_deb_needs libzstd-dev)
endif()
if(FLOTILLA_WITH_LZ4)
    list(APPEND flotilla_deb_needs liblz4-dev)
endif()
if(FLOTILLA_WITH_LMDB)
    list(APPEND flotilla_deb_needs liblmdb-dev)
endif()
list(JOIN flotilla_deb_needs ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "Libraries, headers and documents for programs that link Flotilla:
pub/sub with exact loss counts, push/pull with batching, leased work,
request routing, relays.")

# What Debian expects beside the files: copyright and a changelog in its own format.
set(flotilla_deb_dir "${PROJECT_BINARY_DIR}/package/deb")
configure_file("${PROJECT_SOURCE_DIR}/packaging/debian/copyright" "${flotilla_deb_dir}/copyright"
               COPYONLY)
string(TIMESTAMP flotilla_deb_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file("${PROJECT_SOURCE_DIR}/packaging/debian/changelog.in"
               "${flotilla_deb_dir}/changelog.Debian" @ONLY)
foreach(component runtime development)
    string(TOUPPER ${component} upper)
    set(doc_dir "share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
    install(CODE "
        if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
            execute_process(COMMAND gzip -9nf -k \"${flotilla_deb_dir}/changelog.Debian\"
                            COMMAND_ERROR_IS_FATAL ANY)
            file(INSTALL \"${flotilla_deb_dir}/copyright\"
                         \"${flotilla_deb_dir}/changelog.Debian.gz\"
                 DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${doc_dir}\")
        endif()"
        COMPONENT ${component})
endforeach()
# Debian's manual pages are compressed. They were installed before this runs.
install(CODE "
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
        file(GLOB pages \"\$ENV{DESTDIR}/usr/${CMAKE_INSTALL_MANDIR}/man1/*.1\")
        foreach(page IN LISTS pages)
            execute_process(COMMAND gzip -9nf \"\${page}\" COMMAND_ERROR_IS_FATAL ANY)
        endforeach()
    endif()"
    COMPONENT runtime)
include(CPack)
