/* SPDX-License-Identifier: Apache-2.0
   A peer of czmq with certificates of its own; tests/interop compiles it.

   curve keys FILE USER GROUPS                     makes FILE and FILE_secret
   curve ask ENDPOINT SERVER CLIENT WAIT FRAME...  a DEALER that sends one message and prints the
                                                   frames of the answer; 4: none within WAIT ms */
#include <czmq.h>

static int make_keys(char **words) {
    zcert_t *certificate = zcert_new();
    zcert_set_meta(certificate, "name", "%s", words[1]);
    zcert_set_meta(certificate, "groups", "%s", words[2]);
    const int saved = zcert_save(certificate, words[0]);
    zcert_destroy(&certificate);
    return saved == 0 ? 0 : 1;
}

static int ask(char **words, int count) {
    zcert_t *server = zcert_load(words[1]);
    zcert_t *client = zcert_load(words[2]);
    if (!server || !client)
        return 2;
    zsock_t *dealer = zsock_new(ZMQ_DEALER);
    zcert_apply(client, dealer);
    zsock_set_curve_serverkey(dealer, zcert_public_txt(server));
    zsock_set_rcvtimeo(dealer, atoi(words[3]));
    zsock_set_linger(dealer, 0);
    if (zsock_connect(dealer, "%s", words[0]) != 0)
        return 2;
    zmsg_t *message = zmsg_new();
    for (int i = 4; i < count; ++i)
        zmsg_addstr(message, words[i]);
    zmsg_send(&message, dealer);
    zmsg_t *answer = zmsg_recv(dealer);
    const int answered = answer != NULL;
    char *frame;
    while (answered && (frame = zmsg_popstr(answer)) != NULL) {
        puts(frame);
        zstr_free(&frame);
    }
    zmsg_destroy(&answer);
    zsock_destroy(&dealer);
    zcert_destroy(&client);
    zcert_destroy(&server);
    return answered ? 0 : 4;
}

int main(int count, char **words) {
    if (count == 5 && strcmp(words[1], "keys") == 0)
        return make_keys(words + 2);
    if (count > 6 && strcmp(words[1], "ask") == 0)
        return ask(words + 2, count - 2);
    return 2;
}
