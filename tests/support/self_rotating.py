"""Writers that rotate their logs by themselves and delete the oldest, as programs do that we collect from.

Arguments: which writer, the log, how many finished files it keeps, seconds, lines a second, bytes of a file. Each line has a
number and the time when it was written. Says at its end how many lines it wrote.
"""

import glob
import gzip
import json
import logging
import logging.handlers
import os
import sys
import time

WHICH, PATH, KEEPS, SECONDS, RATE, SIZE = sys.argv[1], sys.argv[2], *(int(word) for word in sys.argv[3:7])


def line(number):
    return f"{number:09} {time.time():.6f} something happened"


class Fresh(logging.Formatter):
    """The time is that of the write: a handler formats a record once more after it rotated."""

    def format(self, record):
        return line(record.msg)


def handler():
    if WHICH == "timed":
        return logging.handlers.TimedRotatingFileHandler(PATH, when="S", interval=1, backupCount=KEEPS)
    made = logging.handlers.RotatingFileHandler(PATH, maxBytes=SIZE, backupCount=KEEPS)
    if WHICH == "gzip":
        made.namer = lambda name: name + ".gz"
        made.rotator = pack
    return made


def pack(source, target):
    with open(source, "rb") as plain, gzip.open(target, "wb") as packed:
        packed.write(plain.read())
    os.remove(source)


class Python:
    def __init__(self):
        self.handler = handler()
        self.handler.setFormatter(Fresh())

    def write(self, number):
        self.handler.emit(logging.LogRecord("app", logging.INFO, "", 0, number, None, None))


class Docker:
    """json-file with max-size and max-file: shifts names, opens without O_APPEND, keeps the size in mind."""

    def __init__(self):
        self.open()

    def open(self):
        self.fd = os.open(PATH, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o640)
        self.size = 0

    def write(self, number):
        if self.size >= SIZE:
            os.close(self.fd)
            for older in range(KEEPS, 1, -1):
                if os.path.exists(f"{PATH}.{older - 1}"):
                    os.rename(f"{PATH}.{older - 1}", f"{PATH}.{older}")
            os.rename(PATH, f"{PATH}.1")
            self.open()
        text = json.dumps({"log": line(number), "stream": "stdout"}) + "\n"
        os.write(self.fd, text.encode())
        self.size += len(text)


class Logback:
    """A rolling policy with the time in the name: app-TIME.log beside app.log, and the oldest deleted."""

    def __init__(self):
        self.out = open(PATH, "a", buffering=1)

    def write(self, number):
        if self.out.tell() >= SIZE:
            self.out.close()
            stem = PATH.removesuffix(".log")
            os.rename(PATH, f"{stem}-{time.time_ns()}.log")
            self.out = open(PATH, "a", buffering=1)
            for old in sorted(glob.glob(f"{stem}-[0-9]*.log"))[:-KEEPS]:
                os.remove(old)
        self.out.write(line(number) + "\n")


def main():
    writer = {"docker": Docker, "logback": Logback}.get(WHICH, Python)()
    begun, number = time.monotonic(), 0
    while time.monotonic() - begun < SECONDS:
        writer.write(number)
        number += 1
        time.sleep(max(0, begun + number / RATE - time.monotonic()))
    print(number)


main()
