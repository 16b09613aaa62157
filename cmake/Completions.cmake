# SPDX-License-Identifier: Apache-2.0
# The zmq program writes its own completions; they are generated in the build and installed where
# each shell looks.
set(completion_files)
foreach(shell bash zsh fish)
    set(file "${PROJECT_BINARY_DIR}/package/completion.${shell}")
    add_custom_command(
        OUTPUT "${file}"
        COMMAND flotilla_cli completion ${shell} > "${file}"
        DEPENDS flotilla_cli
        COMMENT "Completions for ${shell}"
        VERBATIM)
    list(APPEND completion_files "${file}")
endforeach()
add_custom_target(flotilla_completions ALL DEPENDS ${completion_files})

install(
    FILES "${PROJECT_BINARY_DIR}/package/completion.bash"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
    RENAME zmq
    OPTIONAL # of a tree that was built in part
    COMPONENT runtime)
install(
    FILES "${PROJECT_BINARY_DIR}/package/completion.zsh"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions"
    RENAME _zmq
    OPTIONAL
    COMPONENT runtime)
install(
    FILES "${PROJECT_BINARY_DIR}/package/completion.fish"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d"
    RENAME zmq.fish
    OPTIONAL
    COMPONENT runtime)
