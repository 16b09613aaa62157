// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>

#include <CLI/CLI.hpp>
#include <command_line/parser.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace flotilla::command_line {

namespace {

// CLI11 gives a meaning to some words where a list is expected ("[a,b]", "{}", "%%", "++"); values
// must pass untouched. So they travel through it behind a byte, and so does what begins with that.
constexpr char shield = '\x01';

bool needs_shield(std::string_view value) {
    return !value.empty() && (value.front() == '[' || value.front() == shield || value == "{}" ||
                              value == "%%" || value == "++");
}

// Where the value begins: of "--name=value", "-nvalue", or a word that is nothing but a value.
std::size_t value_at(std::string_view word) {
    if (word.substr(0, 2) == "--") {
        const std::size_t equals = word.find('=');
        return equals == word.npos ? word.size() : equals + 1;
    }
    return word.substr(0, 1) == "-" ? std::min<std::size_t>(2, word.size()) : 0;
}

std::string unshield(const std::string& word) {
    return !word.empty() && word.front() == shield ? word.substr(1) : word;
}

// A sentence of CLI11 may quote words.
std::string without_shields(std::string text) {
    text.erase(std::remove(text.begin(), text.end(), shield), text.end());
    return text;
}

// The words of a switch. CLI11's own reading of them takes any number too, and says of what it does
// not take that it "could not convert".
Status is_switch_word(const std::string& said) {
    for (const char* const known : {"true", "yes", "on", "1", "false", "no", "off", "0"})
        if (said == known)
            return {};
    return fail(Errc::bad_option, "'" + said + "' is neither true nor false; write one of these");
}

// CLI11's "--count: 1 required N missing" and "--count: At Most 1 required but received 2", in the
// words of the other sentences.
std::string mended(const std::string& sentence) {
    const auto between = [&](std::string_view begin, std::string_view end) {
        const std::size_t from = sentence.find(begin);
        const std::size_t to = sentence.rfind(end);
        return from == std::string::npos || to == std::string::npos || to < from + begin.size() ||
                       to + end.size() != sentence.size()
                   ? std::string{}
                   : sentence.substr(from + begin.size(), to - from - begin.size());
    };
    const std::string option = sentence.substr(0, sentence.find(": "));
    if (const std::string type = between(": 1 required ", " missing"); !type.empty())
        return option + ": its value is missing, " + type;
    if (const std::string times = between(": At Most 1 required but received ", ""); !times.empty())
        return option + ": given " + times + " times; it takes one value";
    return sentence;
}

std::string sentence_of(const Status& outcome) {
    return outcome ? std::string{} : outcome.error().detail;
}

} // namespace

Option Option::type_name(const std::string& name) const {
    option_->type_name(name);
    return *this;
}

Option Option::group(const std::string& heading) const {
    option_->group(heading);
    return *this;
}

Option Option::required() const {
    option_->required();
    return *this;
}

Option Option::check(Take check) const {
    option_->check(
        [check = std::move(check)](const std::string& text) { return sentence_of(check(text)); },
        "");
    return *this;
}

Option Option::excludes(Option other) const {
    option_->excludes(other.option_);
    return *this;
}

Option Option::variable(const std::string& name) const {
    option_->envname(name);
    return *this;
}

Option Option::separated_by(char separator) const {
    option_->delimiter(separator);
    return *this;
}

Option Option::one_value_each() const {
    option_->allow_extra_args(false);
    return *this;
}

Option Option::last_counts() const {
    option_->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    return *this;
}

std::string Option::name() const {
    return option_->get_name();
}

const std::vector<std::string>& Option::short_names() const {
    return option_->get_snames();
}

const std::vector<std::string>& Option::long_names() const {
    return option_->get_lnames();
}

std::string Option::description() const {
    return option_->get_description();
}

std::string Option::type_name() const {
    return option_->get_type_name();
}

std::string Option::variable() const {
    return option_->get_envname();
}

std::string Option::group() const {
    return option_->get_group();
}

bool Option::is_positional() const {
    return option_->get_positional();
}

bool Option::is_required() const {
    return option_->get_required();
}

bool Option::takes_value() const {
    return option_->get_items_expected_max() > 0;
}

bool Option::takes_many() const {
    return option_->get_items_expected_max() > 1;
}

bool Option::is_given_by(const std::string& word) const {
    for (const std::string& name : long_names())
        if (word == "--" + name || word.rfind("--" + name + "=", 0) == 0)
            return true;
    for (const std::string& name : short_names())
        if (word.rfind("-" + name, 0) == 0)
            return true;
    return false;
}

Parser::Parser(const std::string& description, const std::string& name)
    : owned_(std::make_unique<CLI::App>(description, name)), app_(*owned_) {
    add_help();
}

Parser::Parser(CLI::App& app, const Parser& parent) : app_(app), parent_(&parent) {
    add_help();
}

Parser::~Parser() = default;

Option Parser::added(CLI::Option* option) const {
    option->transform(unshield, "");
    return Option(option);
}

Option Parser::add_option(const std::string& names, std::string& value, const std::string& help) {
    return added(app_.add_option(names, value, help));
}

Option Parser::add_option(const std::string& names, std::optional<std::string>& value,
                          const std::string& help) {
    return added(app_.add_option(names, value, help));
}

Option Parser::add_option(const std::string& names, std::vector<std::string>& values,
                          const std::string& help) {
    return added(app_.add_option(names, values, help));
}

Option Parser::add_option(const std::string& names, Take take, const std::string& help) {
    auto call = [take = std::move(take),
                 name = names.substr(names.rfind(',') + 1)](const std::string& text) {
        if (const Status taken = take(text); !taken)
            throw CLI::ValidationError(name, taken.error().detail);
    };
    return added(app_.add_option_function<std::string>(names, call, help));
}

Option Parser::add_option(const std::string& name, const std::string& help) {
    return added(app_.add_option(name, help));
}

Option Parser::add_flag(const std::string& names, bool& given, const std::string& help) {
    return Option(app_.add_flag(names, given, help)).check(is_switch_word);
}

Option Parser::add_flag(const std::string& names, int& times, const std::string& help) {
    return Option(app_.add_flag(names, times, help));
}

Option Parser::add_flag(const std::string& names, const std::string& help) {
    return Option(app_.add_flag(names, help));
}

Option Parser::add_switch(const std::string& name, std::optional<bool>& value,
                          const std::string& help) {
    return Option(app_.add_flag_function(
                      name, [&value](std::int64_t said) { value = said > 0; }, help))
        .check(is_switch_word);
}

void Parser::add_help() {
    app_.set_help_flag("-h,--help", "This text")->group("General");
}

void Parser::set_version(const std::string& text) {
    app_.set_version_flag("--version", text, "Name and version")->group("General");
    version_ = text;
}

Parser& Parser::add_subcommand(const std::string& name, const std::string& description) {
    subcommands_.emplace_back(new Parser(*app_.add_subcommand(name, description), *this));
    return *subcommands_.back();
}

void Parser::require_subcommand() {
    app_.require_subcommand(1);
}

void Parser::allow_subcommand() {
    app_.require_subcommand(0, 1);
}

void Parser::set_group(const std::string& heading) {
    app_.group(heading);
}

void Parser::set_footer(const std::string& text) {
    app_.footer(text);
}

const std::string& Parser::name() const {
    return app_.get_name();
}

std::string Parser::description() const {
    return app_.get_description();
}

std::string Parser::group() const {
    return app_.get_group();
}

std::string Parser::footer() const {
    return app_.get_footer();
}

bool Parser::requires_subcommand() const {
    return app_.get_require_subcommand_min() > 0;
}

std::vector<Option> Parser::options() const {
    std::vector<Option> all;
    for (CLI::Option* option : app_.get_options())
        all.push_back(Option(option));
    return all;
}

std::vector<std::string> Parser::groups() const {
    return app_.get_groups();
}

Option Parser::option(const std::string& name) const {
    CLI::Option* const found = app_.get_option_no_throw(name);
    FLOTILLA_CHECK(found != nullptr, "an option that is asked for is declared");
    return Option(found);
}

// A sentence about an option whose value its variable gave is one about the variable.
std::string Parser::named_by_source(const std::string& sentence,
                                    const std::vector<std::string>& words) const {
    const std::string name = sentence.substr(0, sentence.find(':'));
    for (const Option option : innermost().options()) {
        const std::string variable = option.variable();
        if (option.name() != name || variable.empty() || std::getenv(variable.c_str()) == nullptr)
            continue;
        const bool is_said = std::any_of(words.begin(), words.end(), [&](const std::string& word) {
            return option.is_given_by(word);
        });
        if (!is_said)
            return variable + sentence.substr(name.size());
    }
    return sentence;
}

Result<Parser::Asked> Parser::parse(std::vector<std::string> words) {
    const std::vector<std::string> said = words;
    for (std::string& word : words)
        if (const std::size_t at = value_at(word); needs_shield(std::string_view{word}.substr(at)))
            word.insert(at, 1, shield);
    std::reverse(words.begin(), words.end()); // the order that CLI11 takes a vector in
    try {
        app_.parse(words);
        return Asked::run;
    } catch (const CLI::CallForHelp&) {
        return Asked::help;
    } catch (const CLI::CallForVersion&) {
        return Asked::version;
    } catch (const CLI::ArgumentMismatch& wrong) {
        return fail(Errc::bad_option, named_by_source(without_shields(mended(wrong.what())), said));
    } catch (const std::exception& wrong) {
        return fail(Errc::bad_option, named_by_source(without_shields(wrong.what()), said));
    }
}

std::string Parser::path() const {
    return parent_ == nullptr ? name() : parent_->path() + " " + name();
}

bool Parser::is_named() const {
    return app_.parsed();
}

const Parser* Parser::named() const {
    const auto named = app_.get_subcommands();
    const auto found = std::find_if(subcommands_.begin(), subcommands_.end(), [&](const auto& sub) {
        return !named.empty() && &sub->app_ == named.front();
    });
    return found == subcommands_.end() ? nullptr : found->get();
}

const Parser& Parser::innermost() const {
    const Parser* const sub = named();
    return sub == nullptr ? *this : sub->innermost();
}

bool Parser::lacks_subcommand() const {
    return requires_subcommand() && named() == nullptr;
}

std::vector<Option> Parser::parse_order() const {
    std::vector<Option> all;
    for (CLI::Option* option : app_.parse_order())
        all.push_back(Option(option));
    return all;
}

std::vector<std::string> Parser::remaining() const {
    std::vector<std::string> words = app_.remaining(false);
    std::transform(words.begin(), words.end(), words.begin(), unshield);
    return words;
}

} // namespace flotilla::command_line
