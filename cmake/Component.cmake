# SPDX-License-Identifier: Apache-2.0
# flotilla_component(NAME base ROOT lib HEADERS a.hpp ... SOURCES a.cpp ... PUBLIC t... PRIVATE t...)
#
# One component is one folder, one namespace and one target: flotilla_NAME, alias flotilla::NAME.
# Headers are given as file names beside the caller's CMakeLists.txt; each is compiled alone by the
# target all_verify_interface_header_sets. ROOT is the include root, from the top of the project.
function(flotilla_component)
    cmake_parse_arguments(ARG "" "NAME;ROOT" "HEADERS;SOURCES;PUBLIC;PRIVATE" ${ARGN})
    set(target flotilla_${ARG_NAME})
    add_library(${target} ${ARG_SOURCES})
    add_library(flotilla::${ARG_NAME} ALIAS ${target})
    target_sources(
        ${target}
        PUBLIC FILE_SET
               HEADERS
               BASE_DIRS
               "${flotilla_SOURCE_DIR}/${ARG_ROOT}"
               FILES
               ${ARG_HEADERS})
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(
        ${target}
        PROPERTIES EXPORT_NAME ${ARG_NAME}
                   CXX_EXTENSIONS OFF
                   VERIFY_INTERFACE_HEADER_SETS ON
                   POSITION_INDEPENDENT_CODE ON
                   DEFINE_SYMBOL ""
                   VERSION ${flotilla_VERSION}
                   SOVERSION ${flotilla_VERSION_MAJOR}.${flotilla_VERSION_MINOR})
    target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
    flotilla_precompile(${target} FROM flotilla_base) # on every component's ground
    set_property(GLOBAL APPEND PROPERTY FLOTILLA_COMPONENTS ${target})
endfunction()

# flotilla_program(TARGET): an executable that is installed, with docs/man/NAME.1 for its output name.
function(flotilla_program target)
    set_property(GLOBAL APPEND PROPERTY FLOTILLA_PROGRAMS ${target})
endfunction()
