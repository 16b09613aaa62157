# SPDX-License-Identifier: Apache-2.0
"""What operators and supervisors rely on, with the real programs.

operation_test.py STORE BROKER RELAY ZMQ [unittest arguments]: the supervisor's protocol and its
watchdog, reload, socket activation, settings that are printed, and restarts under load.
"""
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAMS = {}
PATIENCE = 60  # seconds; a bound for what must happen, not a measure


class Daemon:
    """A daemon with the lines of its log."""

    def __init__(self, kind, *arguments, environment=None, start=None):
        self.lines = []
        self.arrived = threading.Condition()
        command = [PROGRAMS[kind], *arguments]
        if start:
            self.process = start(command)
        else:
            self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                                            env={**os.environ, **(environment or {})})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()

    def wait_for(self, text, count=1):
        """The count-th line with this text."""
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.having(text)) >= count, PATIENCE)
            found = self.having(text)
            if len(found) < count:
                raise AssertionError(f"no line with {text!r} among {self.lines}")
            return found[count - 1]

    def having(self, text):
        return [line for line in self.lines if text in line]

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()


class Supervisor:
    """What a service manager hears over NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)

    def next(self, part):
        while True:
            said = self.socket.recv(4096).decode()
            if part in said:
                return said

    def forget(self):
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(4096)

    def is_silent_for(self, seconds):
        return not select.select([self.socket], [], [], seconds)[0]


class Operation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="flotilla-operation.")
        self.daemons = []

    def tearDown(self):
        for daemon in self.daemons:
            daemon.end()
        shutil.rmtree(self.folder)

    def file(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def ipc(self, name):
        return "ipc://" + self.file(name)

    def start(self, kind, *arguments, **options):
        daemon = Daemon(kind, *arguments, **options)
        self.daemons.append(daemon)
        return daemon

    def settings(self, kind):
        return {
            "store": f'bind = "{self.ipc("s")}"\ndata = "{self.file("data")}"\n'
                     'write_ahead_bytes = "1MiB"\n',
            "broker": f'bind = "{self.ipc("b")}"\n',
            "relay": f'[[relay]]\nkind = "streamer"\nfrontend = "{self.ipc("f")}"\n'
                     f'backend = "{self.ipc("g")}"\n',
        }[kind]

    def zmq(self, *arguments, **options):
        return subprocess.run([PROGRAMS["zmq"], *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE * 2, **options)

    # ---- the supervisor

    def test_supervisor(self):
        """READY, RELOADING, WATCHDOG and STOPPING; a loop that hangs says nothing more."""
        for kind in ("store", "broker", "relay"):
            with self.subTest(kind):
                folder = self.file(kind)
                os.mkdir(folder)
                supervisor = Supervisor(folder)
                config = self.file(f"{kind}.toml", self.settings(kind))
                daemon = self.start(kind, "--config", config,
                                    environment={"NOTIFY_SOCKET": supervisor.path,
                                                 "WATCHDOG_USEC": "200000"})
                self.assertIn("STATUS=Serving: ", supervisor.next("READY=1"))
                for _ in range(3):
                    self.assertIn("STATUS=", supervisor.next("WATCHDOG=1"))
                before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                daemon.signal(signal.SIGHUP)
                said = supervisor.next("RELOADING=1")
                since = int(dict(line.split("=", 1) for line in said.splitlines())["MONOTONIC_USEC"])
                self.assertGreaterEqual(since, before)
                supervisor.next("READY=1")
                daemon.signal(signal.SIGSTOP)  # as a loop that hangs
                os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
                supervisor.forget()
                self.assertTrue(supervisor.is_silent_for(1))
                daemon.signal(signal.SIGCONT)
                supervisor.next("WATCHDOG=1")
                daemon.signal(signal.SIGTERM)
                supervisor.next("STOPPING=1")
                self.assertEqual(daemon.process.wait(PATIENCE), 0)
                supervisor.socket.close()

    def test_watchdog_of_another_process(self):
        """WATCHDOG_PID names somebody else: nobody is told."""
        supervisor = Supervisor(self.folder)
        self.start("broker", "--bind", self.ipc("b"),
                   environment={"NOTIFY_SOCKET": supervisor.path, "WATCHDOG_USEC": "50000",
                                "WATCHDOG_PID": str(os.getpid())})
        supervisor.next("READY=1")
        self.assertTrue(supervisor.is_silent_for(0.5))
        supervisor.socket.close()

    # ---- reload

    def test_reload_is_all_or_nothing(self):
        config = self.file("store.toml", self.settings("store"))
        store = self.start("store", "--config", config)
        store.wait_for("store_ready")
        self.file("store.toml", self.settings("store") + 'log_level = "debug"\nsessions_max = 7\n'
                  '[[queue]]\nname = "orders"\nattempts_max = 9\n')
        store.signal(signal.SIGHUP)
        said = store.wait_for(" reloaded ")
        for key in ("log_level", "sessions_max", "queue"):
            self.assertIn(key, said)
        stat = self.zmq("queue", "stat", "orders", "-s", self.ipc("s"))
        self.assertRegex(stat.stdout, r"attempts_max\s+9\n")
        # One mistake anywhere, and nothing of it holds.
        self.file("store.toml", self.settings("store") + 'sesions_max = 8\n'
                  '[[queue]]\nname = "orders"\nattempts_max = 3\n')
        store.signal(signal.SIGHUP)
        said = store.wait_for("reload_failed")
        self.assertIn("did you mean 'sessions_max'", said)
        stat = self.zmq("queue", "stat", "orders", "-s", self.ipc("s"))
        self.assertRegex(stat.stdout, r"attempts_max\s+9\n")
        # What cannot change is named; what can is taken.
        self.file("store.toml", self.settings("store") + 'io_threads = 2\ndrain = "1s"\n')
        store.signal(signal.SIGHUP)
        self.assertIn("io_threads", store.wait_for("restart_needed"))
        self.assertIn("drain", store.wait_for(" reloaded ", 2))
        self.assertEqual(store.stop(), 0)

    def test_reload_of_services(self):
        config = self.file("broker.toml", self.settings("broker"))
        broker = self.start("broker", "--config", config)
        broker.wait_for("broker_ready")
        ask = ("call", "slow", "hello", "-b", self.ipc("b"), "-t", "30s", "--once")
        self.file("broker.toml", self.settings("broker") +
                  '[[service]]\nname = "slow"\nrequest_expiry = "20ms"\n')
        broker.signal(signal.SIGHUP)
        self.assertIn("changed=service", broker.wait_for(" reloaded "))
        # There is no worker: by its new limit the broker gives it up, and says so.
        self.assertIn("expired", self.zmq(*ask).stderr)

    # ---- settings

    def test_settings_in_effect(self):
        """Flags over variables over the file; a secret that is no path is not shown."""
        config = self.file("broker.toml", 'drain = "1s"\nio_threads = 2\nlog_format = "json"\n'
                           'admin_token = "hunter2"\n')
        done = subprocess.run([PROGRAMS["broker"], "--config", config, "--drain", "3s",
                               "--print-config"], stdout=subprocess.PIPE, text=True, check=True,
                              env={**os.environ, "FLOTILLA_BROKER_DRAIN": "2s",
                                   "FLOTILLA_BROKER_IO_THREADS": "4"})
        for line in ('drain = "3s"', "io_threads = 4", 'log_format = "json"',
                     'instance = "flotilla-broker"', 'admin_token = "(hidden)"'):
            self.assertIn(line + "\n", done.stdout)
        self.assertNotIn("hunter2", done.stdout)

    def test_unknown_keys_get_a_suggestion(self):
        for kind, wrong, right in (("store", "queue_max", "queues_max"),
                                   ("broker", "hartbeat", "heartbeat"),
                                   ("relay", "drian", "drain")):
            config = self.file("wrong.toml", f"{wrong} = 1\n" + self.settings(kind))
            done = subprocess.run([PROGRAMS[kind], "--config", config, "--check-config"],
                                  stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"unknown key '{wrong}'; did you mean '{right}'", done.stderr)

    def test_rules_that_are_none_are_doubted(self):
        """An access file without a [[rule]] lets everybody do everything: right, but hardly meant."""
        config = self.file("relay.toml", 'access = "access.toml"\n' + self.settings("relay"))
        for rules, doubt in (("[[address]]\nallow = '127.0.0.1'\n", "has no [[rule]]"),
                             ("[[rule]]\nwho = '*'\nallow = 'put'\non = '*'\n", "")):
            self.file("access.toml", rules)
            done = subprocess.run([PROGRAMS["relay"], "--config", config, "--check-config"],
                                  stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(doubt, done.stderr)
            self.assertEqual(bool(done.stderr), bool(doubt))

    # ---- socket activation

    def activate(self, listeners, names):
        """Starts as systemd does: the sockets are descriptors 3, 4, ..., the process is told."""
        def start(command):
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                os.dup2(writing, 2)
                # First out of the way of 3, 4, ..., then there.
                high = [os.dup2(each.fileno(), 100 + i) for i, each in enumerate(listeners)]
                for i, each in enumerate(high):
                    os.dup2(each, 3 + i)
                os.closerange(3 + len(high), 256)
                os.execve(command[0], command,
                          {**os.environ, "LISTEN_PID": str(os.getpid()),
                           "LISTEN_FDS": str(len(high)), "LISTEN_FDNAMES": ":".join(names)})
            os.close(writing)
            return Child(child, os.fdopen(reading))
        return start

    def test_socket_activation(self):
        """The daemon takes over sockets that listen already; peers that came before it are served."""
        tcp = socket.socket()
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        local = socket.socket(socket.AF_UNIX)
        local.bind(self.file("broker"))
        local.listen()
        port = tcp.getsockname()[1]
        # A worker that connects while nobody has started the broker.
        worker = subprocess.Popen([PROGRAMS["zmq"], "serve", "echo", "--echo", "-b",
                                   self.ipc("broker")], stderr=subprocess.DEVNULL)
        try:
            for run in range(2):
                broker = self.start("broker", "--bind", f"tcp://127.0.0.1:{port}", "--bind",
                                    self.ipc("broker"),
                                    start=self.activate([tcp, local], ["tcp", "local"]))
                self.assertIn(f"tcp://127.0.0.1:{port}", broker.wait_for("listener_given name=tcp"))
                broker.wait_for("listener_given name=local")
                broker.wait_for("broker_ready")
                self.assertFalse(broker.having("listener_unused"))
                answer = self.zmq("call", "echo", f"run {run}", "-t", "30s", "-b",
                                  f"tcp://127.0.0.1:{port}")
                self.assertEqual(answer.stdout, f"run {run}\n")
                self.assertEqual(broker.stop(), 0)
                # The sockets are the activator's: the next one gets the same.
                self.assertTrue(os.path.exists(self.file("broker")))
        finally:
            worker.kill()
            worker.wait()
            tcp.close()
            local.close()

    def test_socket_that_nobody_uses(self):
        tcp = socket.socket()
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        broker = self.start("broker", "--bind", self.ipc("b"), start=self.activate([tcp], ["odd"]))
        self.assertIn(str(tcp.getsockname()[1]), broker.wait_for("listener_unused"))
        tcp.close()

    # ---- restarts under load

    def test_rolling_restart_of_a_store(self):
        """What a put confirmed is there after restarts and a crash, and is delivered."""
        config = self.file("store.toml", self.settings("store") + '[[queue]]\nname = "work"\n'
                           'lease = "5s"\n')
        where = ("-s", self.ipc("s"), "-t", "60s")
        store = self.start("store", "--config", config)
        store.wait_for("store_ready")
        put = subprocess.Popen([PROGRAMS["zmq"], "queue", "put", "work", *where],
                               stdin=subprocess.PIPE, text=True)
        with open(self.file("taken"), "w", encoding="utf-8") as taken:
            take = subprocess.Popen([PROGRAMS["zmq"], "queue", "take", "work", "--follow", *where],
                                    stdout=taken)
        count = 0
        for ending in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            for _ in range(300):
                put.stdin.write(f"message {count}\n")
                count += 1
            put.stdin.flush()
            store.signal(ending)
            code = store.process.wait(PATIENCE)
            self.assertIn(code, (0, 5) if ending == signal.SIGTERM else (-9,))
            store = self.start("store", "--config", config)
            store.wait_for("store_ready")
        put.stdin.close()
        self.assertEqual(put.wait(PATIENCE * 2), 0)
        wanted = {f"message {i}" for i in range(count)}
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with open(self.file("taken"), encoding="utf-8") as file:
                if wanted <= set(file.read().splitlines()):
                    break
            select.select([], [], [], 0.05)
        with open(self.file("taken"), encoding="utf-8") as file:
            missing = wanted - set(file.read().splitlines())
        left = self.zmq("queue", "ls", "-s", self.ipc("s")).stdout
        self.assertFalse(missing, f"the consumer ended with {take.poll()}; there is\n{left}")
        take.terminate()
        take.wait(PATIENCE)
        self.assertEqual(store.stop(), 0)


class Child:
    """A forked process, as far as Daemon needs one."""

    def __init__(self, pid, stderr):
        self.pid, self.stderr, self.returncode = pid, stderr, None

    def send_signal(self, number):
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def wait(self, _timeout=None):
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


if __name__ == "__main__":
    for program in ("store", "broker", "relay", "zmq"):
        PROGRAMS[program] = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
