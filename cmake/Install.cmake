# SPDX-License-Identifier: Apache-2.0
get_property(flotilla_components GLOBAL PROPERTY FLOTILLA_COMPONENTS)
add_library(flotilla_flotilla INTERFACE)
add_library(flotilla::flotilla ALIAS flotilla_flotilla)
set_target_properties(flotilla_flotilla PROPERTIES EXPORT_NAME flotilla)
target_link_libraries(flotilla_flotilla INTERFACE ${flotilla_components})
