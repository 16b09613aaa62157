# SPDX-License-Identifier: Apache-2.0
"""The daemons and the zmq tool of this build, as processes of a test."""
import json
import os
import subprocess
import tempfile
import threading
import urllib.request

from browser import PATIENCE

TOKEN = "a-token-of-the-console-test"


def program(name):
    path = os.environ.get(f"FLOTILLA_{name.upper()}_PROGRAM")
    if not path or not os.access(path, os.X_OK):
        raise RuntimeError(f"FLOTILLA_{name.upper()}_PROGRAM does not name a program: {path}")
    return path


def zmq(*arguments, text="", code=0):
    """Runs the tool to its end; gives back what it wrote."""
    done = subprocess.run([program("zmq"), *arguments], input=text, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    if done.returncode != code:
        raise AssertionError(f"zmq {' '.join(arguments)}: exit {done.returncode}, not {code}\n{done.stderr}")
    return done.stdout


class Scratch:
    """A folder that goes with the test, with the token in it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="flotilla-console-")
        self.token = self.write("token", TOKEN + "\n", mode=0o600)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text, mode=0o644):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w",
                  encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()


class Daemon:
    """Ready when the constructor returns; stopped at the end of `with`, if not before."""

    def __init__(self, name, *arguments, token=None, http="127.0.0.1:0"):
        self.arguments = [program(name), *arguments, "--ready-json", "--log-format", "json",
                          "--admin-http", http]
        if token:
            self.arguments += ["--admin-token", token]
        self.log = []
        self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.http = None
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        ready = self.process.stdout.readline()
        if not ready or not self._listening.wait(PATIENCE) or self.http is None:
            self.stop()
            raise AssertionError(f"{name} does not start:\n" + "".join(self.log))
        self.ready = json.loads(ready)
        self.url = f"http://{self.http}/console/"

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("event") == "admin_listening" and "address" in entry:
                self.http = entry["address"]
                self._listening.set()
        self._listening.set()

    @property
    def endpoint(self):
        return self.ready["endpoints"][0]

    def ask(self, path):
        with urllib.request.urlopen(f"http://{self.http}{path}", timeout=PATIENCE) as answer:
            return json.load(answer)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.process.stdout.closed:
            self.stop()


class Traffic:
    """Runs a command of the zmq tool and writes a line into it, again and again, until the end."""

    def __init__(self, *arguments, line="a line", pause=0.02):
        self.process = subprocess.Popen([program("zmq"), *arguments], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._line, self._pause = line, pause
        self._ended = threading.Event()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def _write(self):
        try:
            while not self._ended.wait(self._pause):
                self.process.stdin.write(self._line + "\n")
                self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._writer.join(PATIENCE)
        self.process.terminate()
        self.process.wait(PATIENCE)
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
