"""One emulator per case, as a process, and the bindings that speak to it."""

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request

from storpool import spapi

import strict


class Emulator:
    """A program that serves as spsim serve does, on a free port of loopback."""

    def __init__(self, program, flags=()):
        self.folder = tempfile.TemporaryDirectory(prefix="spsim-clients-")
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        env_file = os.path.join(self.folder.name, "env")
        command = [program, "serve", "--port", "0", "--env-file", env_file, *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.log)
        deadline = time.monotonic() + 20
        while not os.path.exists(env_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(program + " is not ready: " + self.logged())
            time.sleep(0.005)
        with open(env_file) as lines:
            self.env = dict(line.strip().replace("'", "").split("=", 1) for line in lines if "=" in line)
        self.host, self.port, self.token = (
            self.env[name] for name in ("SP_API_HTTP_HOST", "SP_API_HTTP_PORT", "SP_AUTH_TOKEN"))

    def logged(self):
        """What the server has logged so far."""
        self.log.flush()
        with open(self.log.name) as text:
            return text.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20)
        logged = self.logged()
        self.log.close()
        self.folder.cleanup()
        if status != 0:
            raise RuntimeError("the server ended with {0}: {1}".format(status, logged))

    def admin(self, method, path, body=None):
        """A request of the emulator's own API."""
        request = urllib.request.Request(
            "{0}/_spsim/v1/{1}".format(self.env["SPSIM_ADMIN_URL"], path), data=body, method=method,
            headers={"Authorization": "Storpool v1:" + self.token})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def read(self, name, offset, length):
        """Bytes of a volume or snapshot."""
        return self.admin("GET", "contents/{0}?offset={1}&length={2}".format(name, offset, length))

    def write(self, name, offset, data):
        self.admin("PUT", "contents/{0}?offset={1}".format(name, offset), data)

    def arm(self, call, **effect):
        """Make the next such call go wrong."""
        self.admin("POST", "faults", json.dumps({"call": call, "effect": effect}).encode())

    def advance(self, by):
        """Let time pass, on a server with a virtual clock."""
        self.admin("POST", "clock/advance", json.dumps({"by": by}).encode())

    def calls(self):
        """What was asked so far."""
        return json.loads(self.admin("GET", "calls"))["calls"]


class Recorder(spapi.Api):
    """The bindings as they are; the last answer is kept as it came."""

    raw = None

    def __call__(self, *args, **kwargs):
        self.raw = super().__call__(*args, **kwargs)
        return self.raw


class Client:
    """The methods of the bindings, each answer compared with its type."""

    def __init__(self, api, seen, violations):
        self.api, self.seen, self.violations = api, seen, violations

    def __getattr__(self, name):
        method = getattr(self.api, name)

        def call(*args, **kwargs):
            answer = method(*args, **kwargs)
            self.seen[name] = self.seen.get(name, 0) + 1
            self.compare(name, method)
            return answer

        return call

    def compare(self, name, method):
        if not hasattr(method, "spDoc"):
            return
        kind = method.__func__.__globals__["returns"]
        for line in strict.check(kind, self.api.raw):
            self.violations.append("{0}: {1}".format(name, line))
        try:
            kind(self.api.raw)
        except Exception as err:  # what the bindings swallow
            self.violations.append("{0}: the bindings read a part only: {1}".format(name, err))


def refused(name, method, *args, **kwargs):
    """Expect an error of the API by its name and return it."""
    try:
        method(*args, **kwargs)
    except spapi.ApiError as err:
        assert err.name == name, "{0} instead of {1}".format(err, name)
        assert isinstance(err.desc, str) and err.desc, "an error without a description: {0}".format(err.json)
        return err
    raise AssertionError("no error, but {0} was due".format(name))
