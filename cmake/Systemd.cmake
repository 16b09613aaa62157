# SPDX-License-Identifier: Apache-2.0
# Units, their system user and their settings, for systems where programs are in /usr: for any other
# prefix there is no place that systemd would look at. One text makes six units: a plain one and a
# template of instances for each daemon.
set(flotilla_units_dir "${PROJECT_BINARY_DIR}/package/systemd")
set(at "@")
foreach(daemon store broker relay)
    set(of_instance "")
    set(dash_instance "")
    configure_file("${PROJECT_SOURCE_DIR}/packaging/systemd/flotilla.service.in"
                   "${flotilla_units_dir}/flotilla-${daemon}.service" @ONLY)
    set(of_instance " %i")
    set(dash_instance "-%i")
    configure_file("${PROJECT_SOURCE_DIR}/packaging/systemd/flotilla.service.in"
                   "${flotilla_units_dir}/flotilla-${daemon}@.service" @ONLY)
endforeach()
install(CODE "
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
        file(INSTALL \"${flotilla_units_dir}/\" DESTINATION /lib/systemd/system)
        file(INSTALL \"${PROJECT_SOURCE_DIR}/packaging/systemd/flotilla.sysusers\"
             DESTINATION /usr/lib/sysusers.d RENAME flotilla.conf)
        file(INSTALL \"${PROJECT_SOURCE_DIR}/packaging/etc/\" DESTINATION /etc/flotilla)
    endif()"
    COMPONENT runtime)
