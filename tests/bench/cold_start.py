#!/usr/bin/env python3
"""How long each function takes from its start to its first poll of the Runtime API, and what it holds in
memory then, beside a bare hello in the same run.

usage: cold_start.py DIRECTORY_OF_RELEASE_BINARIES [STARTS]

Each binary is started by itself, with the settings of a function (`settings.json`, which the functions' own
tests use too) and no way to reach AWS, against a stand-in of the Runtime API on 127.0.0.1. Medians and 90th
percentiles in milliseconds, by the clock of this machine: they are not Lambda's. Standard library only."""
import json, os, select, socket, ssl, subprocess, sys, tempfile, time

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "settings.json")) as file:
    SETTINGS = json.load(file)
# The stack names the one bundle of authorities of Lambda's image. Without it each TLS client reads every file of a folder
# such as /etc/ssl/certs, hundreds here, and that would be most of what is measured.
BUNDLES = [ssl.get_default_verify_paths().cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
BUNDLE = {"SSL_CERT_FILE": path for path in BUNDLES[::-1] if path and os.path.exists(path)}
# What is taken for "it does not poll at all", in seconds.
TIME_OUT = 10


def start(binary):
    """Milliseconds to the first poll, and KiB resident then."""
    listener = socket.create_server(("127.0.0.1", 0))
    runtime = f"127.0.0.1:{listener.getsockname()[1]}"
    environment = {**SETTINGS, **BUNDLE, "AWS_LAMBDA_RUNTIME_API": runtime, "PATH": os.environ["PATH"]}
    with listener, tempfile.TemporaryFile() as said:
        before = time.perf_counter()
        process = subprocess.Popen([binary], env=environment, stdout=said, stderr=subprocess.STDOUT)

        def give_up(why):
            process.kill()
            process.wait()
            said.seek(0)
            sys.exit(f"{binary}: {why}; it said:\n{said.read().decode(errors='replace')[:2000]}")

        try:
            ended = os.pidfd_open(process.pid)
            with os.fdopen(ended, "rb", closefd=True):
                ready, _, _ = select.select([listener, ended], [], [], TIME_OUT)
            if listener not in ready:
                give_up("it ended before its first poll" if ready else f"no poll in {TIME_OUT} s")
            connection, _ = listener.accept()
            with connection:
                asked = connection.recv(4096)
                took = (time.perf_counter() - before) * 1000
                if b"/runtime/invocation/next" not in asked:
                    give_up(f"it asked for {asked[:80]!r} first")
                with open(f"/proc/{process.pid}/status") as status:
                    resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
            return took, resident
        finally:
            process.kill()
            process.wait()


def main():
    folder, starts = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    hello = os.path.join(folder, "parstock-hello")
    functions = [f"parstock-{name}" for name in ("webhook", "processor", "poller", "digest", "console")]
    binaries = [("hello (bare)", hello)] + [(name, os.path.join(folder, name)) for name in functions]
    print(f"{'binary':20} {'p50 ms':>8} {'p90 ms':>8} {'RSS MB':>8} {'size MB':>8}")
    for name, binary in binaries:
        if not os.path.exists(binary):
            print(f"{name:20} not built")
            continue
        start(binary)  # once for the page cache
        runs = sorted(start(binary) for _ in range(starts))
        times = [took for took, _ in runs]
        resident = max(kib for _, kib in runs) / 1024
        size = os.path.getsize(binary) / 1e6
        print(f"{name:20} {times[len(times) // 2]:8.1f} {times[len(times) * 9 // 10]:8.1f} {resident:8.1f} {size:8.2f}")


if __name__ == "__main__":
    main()
