// SPDX-License-Identifier: Apache-2.0
//
// queue_mail STORE SENT: sends what is in the queue "mail": appends it to the file SENT, which
// stands for a mail server. A mail without an @ cannot be sent: after as many attempts as the
// queue allows it is in "mail.dead", with the reason. Ends when none has come for two seconds.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/queue/consumer.hpp>

#include <fstream>
#include <iostream>
#include <string>

using namespace flotilla;

int main(int argc, char** argv) {
    const auto store = net::Endpoint::parse(argc == 3 ? argv[1] : "");
    if (!store) {
        std::cerr << to_string(store.error()) << '\n';
        return static_cast<int>(ExitCode::usage);
    }
    auto context = net::Context::open();
    queue::ConsumerOptions options;
    options.stores = {*store};
    options.queue = "mail";
    options.credit = 10;
    auto consumer = queue::Consumer::open(*context, options);
    if (!consumer) {
        std::cerr << to_string(consumer.error()) << '\n';
        return static_cast<int>(exit_code(consumer.error().code));
    }
    std::ofstream sent(argv[2], std::ios::app);
    while (auto mail = consumer->take(2s)) {
        const std::string text(mail->body[0].view());
        if (text.find('@') == std::string::npos) {
            std::cout << "attempt " << mail->attempt << ": no address in '" << text << '\''
                      << std::endl;
            (void)consumer->nack(*mail, 0s, "no address");
            continue;
        }
        const bool again = mail->redelivered != wire::leased::Redelivered::no;
        sent << text << (again ? " (perhaps sent before)" : "") << std::endl;
        // lease_lost would mean that somebody else has it: it is sent twice, and says so.
        (void)consumer->ack(*mail);
    }
    consumer->stop();
}
