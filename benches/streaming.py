"""Rows per second and peak memory of one epoch of learning: from shards, and from memory.

    python benches/streaming.py [--rows 10000000] [--features 64] [--atoms 256] [--keep FOLDER]

Makes shards of float32 (and one .npy of all of them), runs the same configuration on both, and prints the peak resident memory of each process. Needs NumPy and target/release/unrolled.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

CONFIG = """
experiment = "learn-dictionary"
precision = "float32"
[data]
{data}
[dictionary]
atoms = {atoms}
init = "data"
[encoder]
kind = "solved"
tolerance = 1e-2
prox = {{ kind = "soft", penalty = 0.5 }}
[train]
estimator = "g_dec"
epochs = 1
batch_size = {batch}
validation = {validation}
measure_every = {every}
checkpoint_every = {every}
[optimizer]
kind = "online"
"""


def make(folder, rows, features, shard, seed=0):
    """Sparse combinations of random atoms, a shard at a time."""
    generator = np.random.default_rng(seed)
    atoms = generator.standard_normal((2 * features, features)).astype(np.float32)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    whole = np.lib.format.open_memmap(folder / "whole.npy", "w+", np.float32, (rows, features))
    shards = folder / "shards"
    shards.mkdir()
    for index, start in enumerate(range(0, rows, shard)):
        count = min(shard, rows - start)
        codes = generator.standard_normal((count, 4)).astype(np.float32)
        chosen = generator.integers(0, len(atoms), (count, 4))
        x = np.einsum("nk,nkm->nm", codes, atoms[chosen])
        x += 0.05 * generator.standard_normal(x.shape).astype(np.float32)
        np.save(shards / f"rows-{index:04}.npy", x)
        whole[start : start + count] = x
    whole.flush()


def run(binary, text, folder, name):
    config = folder / f"{name}.toml"
    config.write_text(text)
    command = [binary, "run", config, "--out", folder / f"run-{name}", "--overwrite", "--quiet"]
    started = time.perf_counter()
    child = subprocess.Popen(command)
    # Not wait4's: the child is charged with what this process held when it was forked.
    peak = 0
    while (status := child.poll()) is None:
        text = pathlib.Path(f"/proc/{child.pid}/status").read_text()
        peak = max([peak] + [int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM")])
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"{name}: exit status {status}")
    results = json.loads((folder / f"run-{name}" / "results.json").read_text())
    main = results["runs"]["main"] if "runs" in results else results["main"]
    metrics = (folder / f"run-{name}" / "metrics.csv").read_text().splitlines()
    header, last = metrics[0].split(","), metrics[-1].split(",")
    training = float(last[header.index("seconds")])
    return {"seconds": seconds, "training": training, "mb": peak / 1e3, "steps": main["steps"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--atoms", type=int, default=256)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--shard", type=int, default=1_000_000)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--binary", default="target/release/unrolled")
    arguments = parser.parse_args()
    folder = arguments.keep or pathlib.Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    if not (folder / "whole.npy").exists():
        make(folder, arguments.rows, arguments.features, arguments.shard)
    rows = arguments.rows
    steps = rows // arguments.batch
    rest = {"atoms": arguments.atoms, "batch": arguments.batch, "validation": 2000 / rows, "every": max(1, steps // 10)}
    found = {}
    for name, data in [
        ("shards", f'source = "shards"\npath = "{folder}/shards"\nstandardise = "center"'),
        ("memory", f'source = "file"\npath = "{folder}/whole.npy"\nstandardise = "center"'),
    ]:
        found[name] = run(arguments.binary, CONFIG.format(data=data, **rest), folder, name)
        each = found[name]
        speed = each["steps"] * arguments.batch / each["training"]
        each["rows_per_second"] = speed
        print(
            f"{name}: {each['seconds']:.1f} s in all, {each['training']:.1f} s of training, {speed:,.0f} rows/s, "
            f"peak {each['mb']:.0f} MB",
            flush=True,
        )
    ratio = found["shards"]["rows_per_second"] / found["memory"]["rows_per_second"]
    print(f"rows per second from shards to from memory: {ratio:.2f}")
    print(f"the whole command: {found['memory']['seconds'] / found['shards']['seconds']:.2f}")


if __name__ == "__main__":
    main()
