"""What the machine is, and how much of it others used while something was measured."""
import os
import platform
import subprocess
import time
from pathlib import Path


def process_table() -> dict[int, tuple[int, int]]:
    """pid -> (parent, clock ticks of its own and of the children that it has waited for)."""
    table = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended meanwhile
        table[int(stat.parent.name)] = (int(fields[1]), sum(int(ticks) for ticks in fields[11:15]))
    return table


def own_ticks() -> int:
    """Clock ticks of this process and all that descend from it."""
    table = process_table()
    own = {os.getpid()}
    grew = True
    while grew:
        more = {pid for pid, (parent, _) in table.items() if parent in own} - own
        own |= more
        grew = bool(more)
    return sum(table[pid][1] for pid in own if pid in table)


def busy_ticks() -> int:
    """Clock ticks of all processes, and those that the hypervisor took away."""
    user, nice, system, _idle, _wait, _irq, _softirq, steal = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return user + nice + system + steal


class CpuWatch:
    """Measures from its construction on how many cores foreign processes kept busy."""

    def __init__(self):
        self._works = Path("/proc/stat").exists()
        if self._works:
            self._begin = (time.monotonic(), busy_ticks(), own_ticks())

    def foreign_cores(self) -> float | None:
        """Mean number of cores since the start; None where the system does not tell."""
        if not self._works:
            return None
        elapsed = time.monotonic() - self._begin[0]
        foreign = (busy_ticks() - self._begin[1]) - (own_ticks() - self._begin[2])
        return max(0.0, foreign / os.sysconf("SC_CLK_TCK") / elapsed)


def physical_cores() -> int:
    if not hasattr(os, "sched_getaffinity"):
        out = subprocess.run(["sysctl", "-n", "hw.perflevel0.physicalcpu"], capture_output=True, text=True)
        return int(out.stdout) if out.stdout.strip() else os.cpu_count() or 1
    cores = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text() if siblings.exists() else str(cpu))
    return len(cores)


def resident_bytes(pid: int) -> int:
    out = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(out.stdout) * 1024


def describe_machine() -> str:
    name, memory, features = platform.processor() or platform.machine(), 0, ""
    if Path("/proc/cpuinfo").exists():
        facts = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().split("\n") if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        name = facts.get("model name", name)
        flags = facts.get("flags", "").split()
        features = ", ".join(label for flag, label in (("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_vnni", "AVX-512 VNNI")) if flag in flags)
        virtual = "hypervisor" in flags
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        name += " (virtual machine)" if virtual else ""
    parts = [name, f"{physical_cores()} cores", features, f"{memory / 2**30:.0f} GiB" if memory else "", f"{platform.system()} {platform.release().split('-')[0]}"]
    return ", ".join(part for part in parts if part)
