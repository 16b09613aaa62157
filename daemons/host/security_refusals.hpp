// SPDX-License-Identifier: Apache-2.0
//
// What daemons say about settings of security that do not belong together: each names the flags and
// keys that are wrong, and what would be right. Pure.
#pragma once

#include "host/setting_name.hpp"

#include <flotilla/base/error.hpp>

#include <string>

namespace flotilla::host {

// Both a list of client keys and any client key.
inline Error contradicting_clients() {
    return {Errc::bad_option, setting_name("allow_client_keys") + " and " +
                                  setting_name("allow_any_client_key") +
                                  " contradict each other; leave one of them out"};
}

// `said` is the key of the setting that says who may connect.
inline Error no_own_key(const std::string& said) {
    return {Errc::bad_option, setting_name(said) +
                                  " says who may connect with CURVE, but not with which key of "
                                  "ours; add " +
                                  setting_name("curve_key") + " FILE, our secret certificate"};
}

// `whose` speaks CURVE as a server: "frontend is bound with --curve-key (curve_key)".
inline Error no_client_keys(const std::string& whose) {
    return {Errc::insecure, whose + ", but nothing says who may connect; add " +
                                setting_name("allow_client_keys") + " FILE|DIR, or " +
                                setting_name("allow_any_client_key")};
}

// `where` is "--bind (bind) 'tcp://0.0.0.0:5555'".
inline Error plaintext_beyond(const std::string& where) {
    return {Errc::insecure, where + " reaches beyond this machine and would be plaintext; add " +
                                setting_name("curve_key") +
                                " FILE, take a loopback or ipc endpoint, or say " +
                                setting_name("allow_plaintext")};
}

// The same where the access file has users with passwords.
inline Error passwords_beyond(const std::string& where) {
    return {Errc::insecure,
            where + " reaches beyond this machine, and the [[plain]] users of " +
                setting_name("access") +
                " send their passwords in the clear; take a loopback or ipc endpoint, or " +
                setting_name("curve_key") + " FILE in their place"};
}

} // namespace flotilla::host
