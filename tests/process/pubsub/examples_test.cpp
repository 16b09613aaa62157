// SPDX-License-Identifier: Apache-2.0
//
// The examples, each publisher with each subscriber, in C++ and in Python with plain pyzmq.
#include <support/catch.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <string>
#include <vector>

using namespace flotilla::test;

namespace {

enum class Language { cpp, python };

std::vector<std::string> example(Language language, const std::string& name) {
    if (language == Language::cpp)
        return {FLOTILLA_PUBSUB_EXAMPLES_BUILT + ("/pubsub_" + name)};
    // The interpreter that the package python3-zmq is for.
    return {"/usr/bin/python3", "-B", FLOTILLA_PUBSUB_EXAMPLES + ("/" + name + ".py")};
}

std::string run_pair(Language publishing, Language subscribing) {
    const ScratchFolder folder;
    const std::string endpoint = folder.ipc("weather").text();
    auto subscribe = example(subscribing, "subscriber");
    auto publish = example(publishing, "publisher");
    for (auto* command : {&subscribe, &publish}) {
        command->push_back(endpoint);
        command->push_back("3");
    }
    Process subscriber = Process::start(subscribe);
    const Completed publisher = run_program(publish);
    INFO(publisher.error);
    CHECK(publisher.exit == Exit::with(0));
    CHECK(publisher.output == "sent 6\n");
    const auto ended = subscriber.wait_exit();
    INFO(subscriber.text(Stream::error));
    CHECK(ended == Exit::with(0));
    return subscriber.text(Stream::output);
}

const std::string oslo = "weather.oslo 1\nweather.oslo 2\nweather.oslo 3\n";

} // namespace

TEST_CASE("examples: a C++ subscriber gets every reading of its city and lost none",
          "[process][pubsub]") {
    CHECK(run_pair(Language::cpp, Language::cpp) == oslo + "lost 0\n");
    CHECK(run_pair(Language::python, Language::cpp) == oslo + "lost 0\n");
}

TEST_CASE("examples: a plain pyzmq subscriber gets them too", "[process][pubsub]") {
    CHECK(run_pair(Language::cpp, Language::python) == oslo);
    CHECK(run_pair(Language::python, Language::python) == oslo);
}
