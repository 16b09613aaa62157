// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

#include "ours.hpp"

#include <flotilla/net/curve.hpp>

#include <zmq.h>

#include <string>
#include <utility>
#include <vector>

namespace flotilla::bench {
namespace {

constexpr int rules_count = 20;

struct Keys {
    net::CurveKeyPair server = need(net::generate_key_pair());
    net::CurveKeyPair alice = need(net::generate_key_pair());
};

const Keys& keys() {
    static const Keys made;
    return made;
}

Rule rule(std::string object) {
    Rule rule;
    rule.who = {"alice"};
    for (std::size_t i = 0; i < operations_count; ++i)
        rule.operations[i] = Operation(i) != Operation::administer;
    rule.objects = {std::move(object)};
    return rule;
}

} // namespace

void make_guard_keys() {
    (void)keys();
}

net::Security listener_security(Guard guard) {
    if (guard == Guard::none)
        return net::Plaintext{};
    net::AllowList list;
    need(list.add(keys().alice.public_key, {"alice", {}}));
    return net::CurveServer{keys().server, std::move(list)};
}

net::Security client_security(Guard guard) {
    if (guard == Guard::none)
        return net::Plaintext{};
    return net::CurveClient{keys().alice, keys().server.public_key};
}

std::shared_ptr<const Permissions> permissions(Guard guard) {
    if (guard != Guard::rules)
        return nullptr;
    std::vector<Rule> rules;
    for (int i = 1; i < rules_count; ++i)
        rules.push_back(rule("other-" + std::to_string(i) + ".*"));
    rules.push_back(rule("*"));
    return std::make_shared<const Permissions>(
        need(Permissions::make({{keys().alice.public_key.z85(), User{"alice", {}}}},
                               Permissions::Unlisted::nobody, std::move(rules))));
}

void secure_client(void* raw_socket, Guard guard) {
    if (guard == Guard::none)
        return;
    const auto set = [&](int option, const net::CurveKey& key) {
        const std::string text = key.z85();
        if (zmq_setsockopt(raw_socket, option, text.c_str(), text.size() + 1) != 0)
            give_up("set a key");
    };
    set(ZMQ_CURVE_SERVERKEY, keys().server.public_key);
    set(ZMQ_CURVE_PUBLICKEY, keys().alice.public_key);
    set(ZMQ_CURVE_SECRETKEY, keys().alice.secret_key);
}

} // namespace flotilla::bench
