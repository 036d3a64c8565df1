"""What this machine has free, for the heartbeat."""

import asyncio
import shutil
from collections.abc import Sequence

import psutil

from orchestrator.protocol import FreeResources

ASK_SECONDS = 3.0

_GPU_QUERY = ("--query-gpu=memory.free", "--format=csv,noheader,nounits")
_LEAST_SHARE = 0.5


class Machine:
    """Measures what is free. The processor's load is that since the measurement before."""

    def __init__(self) -> None:
        psutil.cpu_percent()  # the first answer would mean nothing

    async def free(self) -> FreeResources:
        """Return free cores, MiB of memory, and MiB on the GPU that has the most.

        A processor is shared, memory is not: however busy the cores are, newcomers get their
        share from the kernel, so never less than half of them is said to be free.
        """
        cores = psutil.cpu_count() or 1
        idle = 1 - psutil.cpu_percent() / 100
        return FreeResources(
            cpu_cores=round(cores * max(idle, _LEAST_SHARE), 2),
            memory_mb=psutil.virtual_memory().available // 2**20,
            gpu_vram_mb=await _free_gpu_memory(),
        )


async def ask(command: Sequence[str], seconds: float = ASK_SECONDS) -> str | None:
    """Return what a program on `PATH` prints; None if it is missing, fails or takes too long."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *command[1:],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(seconds):
            printed, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return printed.decode(errors="replace").strip() if process.returncode == 0 else None


async def _free_gpu_memory() -> int:
    answer = await ask(("nvidia-smi", *_GPU_QUERY)) or ""
    figures = [line.strip() for line in answer.splitlines()]
    return max((int(figure) for figure in figures if figure.isdecimal()), default=0)
