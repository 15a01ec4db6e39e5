"""Dask's own scheduler and workers, on this machine."""

import os
import random
import subprocess
import sys
from pathlib import Path


class Cluster:
    """A scheduler and workers of one thread, each called by its number as a word."""

    def __init__(self, folder: Path, workers: tuple[str, ...] = ("one", "two")) -> None:
        self.folder, self.processes = folder, dict[str, subprocess.Popen[bytes]]()
        self.port = random.Random(os.getpid()).randrange(20_000, 60_000)
        self.address = f"tcp://127.0.0.1:{self.port}"
        for name in ("scheduler", *workers):
            self.start(name)

    def start(self, name: str) -> None:
        """Start the scheduler or a worker; one that was killed is started anew."""
        common = ["--no-dashboard", "--host", "127.0.0.1"]
        if name == "scheduler":
            words = ["scheduler", "--port", str(self.port), *common]
        else:
            words = ["worker", self.address, "--nworkers", "1", "--nthreads", "1", "--no-nanny", *common]
            words += ["--local-directory", str(self.folder), "--death-timeout", "60"]
        # Two packages bring a program called dask: it is started by its module.
        command = [sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:]]
        out = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(command, stdout=out, stderr=out)

    def kill(self, name: str) -> None:
        """Kill it, and start it anew."""
        self.processes[name].kill()
        self.processes[name].wait()
        self.start(name)

    def end(self) -> None:
        """End all."""
        for process in self.processes.values():
            process.kill()
            process.wait()
