#!/usr/bin/env python3
"""How long each function takes from its start to its first poll of the Runtime API, and what it holds in
memory then, beside a bare hello in the same run.

usage: cold_start.py DIRECTORY_OF_RELEASE_BINARIES [STARTS]

Each binary is started by itself, with the settings of a function and no way to reach AWS, against a stand-in
of the Runtime API on 127.0.0.1. Medians and 90th percentiles in milliseconds, by the clock of this machine:
they are not Lambda's. Standard library only."""
import os, socket, subprocess, sys, time

SETTINGS = {
    "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "g", "AWS_LAMBDA_LOG_STREAM_NAME": "s", "RUST_LOG": "error",
    "PARSTOCK_TABLE": "parstock", "PARSTOCK_SECRET_PREFIX": "parstock", "PARSTOCK_CONNECTIONS": "main",
    "PARSTOCK_MAIL_FROM": "parstock@example.com", "PARSTOCK_CONSOLE_URL": "https://example.com",
}
for queue in ("EVENTS", "WORK", "EFFECTS"):
    SETTINGS[f"PARSTOCK_{queue}_QUEUE_URL"] = f"https://sqs.eu-west-1.amazonaws.com/1/{queue.lower()}"
    SETTINGS[f"PARSTOCK_{queue}_DEAD_LETTER_QUEUE_URL"] = f"https://sqs.eu-west-1.amazonaws.com/1/{queue.lower()}-dead"


def start(binary, timeout=10):
    """Milliseconds to the first poll, and KiB resident then."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(timeout)
    port = listener.getsockname()[1]
    environment = {**SETTINGS, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "PATH": os.environ["PATH"]}
    before = time.perf_counter()
    process = subprocess.Popen([binary], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        connection, _ = listener.accept()
        asked = connection.recv(4096)
        took = (time.perf_counter() - before) * 1000
        if b"/runtime/invocation/next" not in asked:
            sys.exit(f"{binary}: asked for {asked[:80]!r} first")
        with open(f"/proc/{process.pid}/status") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        return took, resident
    except TimeoutError:
        process.kill()
        sys.exit(f"{binary}: no poll in {timeout} s: {process.stdout.read().decode()[:400]}")
    finally:
        process.kill()
        process.wait()
        listener.close()


def main():
    folder, starts = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    hello = os.path.join(folder, "examples", "hello")
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
