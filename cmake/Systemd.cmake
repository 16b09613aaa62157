# SPDX-License-Identifier: Apache-2.0
# Units, their system user and their settings, for systems where programs are in /usr: for any other
# prefix there is no place that systemd would look at. One text makes six units: a plain one and a
# template of instances for each daemon.
set(flotilla_units_dir "${PROJECT_BINARY_DIR}/package/systemd")
set(at "@")
# MemoryMax= of each. A broker's own limits (requests, answers, backlogs) sum up to 0.8 GiB; a
# store's backlogs, leases and producers to less than 1 GiB, beside the pages of its file, which are
# counted too and given back; a relay holds up to `hwm` messages for each peer.
set(memory_max_store 4G)
set(memory_max_broker 2G)
set(memory_max_relay 2G)
foreach(daemon store broker relay)
    set(memory_max "${memory_max_${daemon}}")
    set(of_instance "")
    set(dash_instance "")
    set(at_instance "")
    configure_file("${PROJECT_SOURCE_DIR}/packaging/systemd/flotilla.service.in"
                   "${flotilla_units_dir}/flotilla-${daemon}.service" @ONLY)
    set(of_instance " %i")
    set(dash_instance "-%i")
    set(at_instance "@%i")
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
