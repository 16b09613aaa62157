// SPDX-License-Identifier: Apache-2.0
#include <command_line/help.hpp>
#include <support/catch.hpp>

#include <sstream>
#include <string>
#include <vector>

using namespace flotilla::command_line;

TEST_CASE("help: usage, arguments, options by group, the general ones last", "[unit]") {
    Parser parser("Sends a file", "send");
    std::string file;
    std::string to;
    std::string as;
    bool fast = false;
    parser.add_option("FILE", file, "What").required();
    parser.add_option("-t,--to", to, "Where to").type_name("ENDPOINT").group("Connection");
    parser.add_option("--as", as, "By which name").type_name("NAME").required();
    parser.add_flag("--fast", fast, "At once");
    parser.set_version("send 1.0");
    parser.set_footer("\nExample:\n  send it\n");
    CHECK(help(parser) == "Usage: send FILE --as NAME [OPTIONS]\n"
                          "\n"
                          "Sends a file\n"
                          "\n"
                          "Arguments:\n"
                          "  FILE                        What\n"
                          "\n"
                          "Options:\n"
                          "      --as NAME               By which name\n"
                          "      --fast                  At once\n"
                          "\n"
                          "Connection:\n"
                          "  -t, --to ENDPOINT           Where to\n"
                          "\n"
                          "General:\n"
                          "  -h, --help                  This text\n"
                          "      --version               Name and version\n"
                          "\n"
                          "Example:\n"
                          "  send it\n");
}

TEST_CASE("help: subcommands stand under their headings, and have a help of their own", "[unit]") {
    Parser parser("Keeps", "keep");
    parser.add_subcommand("start", "Starts");
    Parser& check = parser.add_subcommand("check", "Checks");
    check.set_group("Tools");
    parser.allow_subcommand();
    CHECK(help(parser).rfind("Usage: keep [COMMAND] [OPTIONS]\n\nKeeps\n\n"
                             "Commands:\n  start                       Starts\n\n"
                             "Tools:\n  check                       Checks\n",
                             0) == 0);
    CHECK(help(check).rfind("Usage: keep check [OPTIONS]\n\nChecks\n", 0) == 0);
    parser.require_subcommand();
    CHECK(help(parser).rfind("Usage: keep COMMAND [OPTIONS]\n", 0) == 0);
}

TEST_CASE("help: long texts are broken at spaces, below each other", "[unit]") {
    Parser parser("Talks", "talk");
    std::string word;
    std::string text;
    for (int i = 0; i < 40; ++i)
        text += "word" + std::to_string(i) + " ";
    parser.add_option("--a-name-that-leaves-no-room", word, text);
    std::istringstream lines{help(parser)};
    int lines_of_text = 0;
    for (std::string line; std::getline(lines, line);) {
        CHECK(line.size() <= 96);
        if (line.find("word") != std::string::npos) {
            ++lines_of_text;
            CHECK(line.find_first_not_of(' ') == 30);
        }
    }
    CHECK(lines_of_text > 3);
}
