#!/usr/bin/env python3
"""A whole training step (forward, backward, Adam, atoms back to norm 1): `unrolled run`, by the seconds in its
metrics.csv, beside PyTorch on the same arrays, one after the other, medians.

    python3 benches/training.py [--python PYTHON_WITH_TORCH] [W1 "W2 s10" …]
"""
import argparse, csv, pathlib, statistics, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from compare import PEERS, ROOT, SIZES, problem

STEPS = 30
TORCH = """
import os, sys, time, statistics, torch
from safetensors.numpy import load_file
file, T, steps, sided = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(os.cpu_count())
a = load_file(file)
X, D = torch.from_numpy(a["X"]), torch.from_numpy(a["D"]).requires_grad_(True)
soft = (lambda v: torch.relu(v - 0.04)) if sided == "one" else (lambda v: torch.nn.functional.softshrink(v, 0.04))
adam = torch.optim.Adam([D], lr=1e-3, eps=1e-3)
seconds = []
for _ in range(steps):
    started = time.perf_counter()
    adam.zero_grad()
    M, c = torch.eye(D.shape[1]) - 0.2 * (D.T @ D), 0.2 * (X @ D)
    z = soft(c)
    for _ in range(T - 1):
        z = soft(torch.addmm(c, z, M))
    (0.5 * ((z @ D.T - X) ** 2).sum() / X.shape[0]).backward()
    adam.step()
    with torch.no_grad():
        D /= D.norm(dim=0)
    seconds.append(time.perf_counter() - started)
print(statistics.median(seconds))
"""
CONFIG = """
experiment = "learn-dictionary"
precision = "float32"
[data]
source = "file"
path = "{path}"
[dictionary]
init = {{ method = "file", path = "{path}", key = "D" }}
[encoder]
iterations = {T}
prox = {{ kind = "soft", penalty = 0.2, sided = "{sided}" }}
[train]
steps = {steps}
batch_size = "full"
measure_every = 1000
checkpoint_every = 1000
[optimizer]
epsilon = 1e-3
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=str(PEERS / "bin" / "python"))
    parser.add_argument("sizes", nargs="*")
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    unrolled = ROOT / "target" / "release" / "unrolled"
    for name, (m, p, n, s, T, sided) in SIZES.items():
        if (options.sizes and name not in options.sizes) or "T1000" in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            path = folder / "problem.safetensors"
            problem(path, m, p, n, s, sided)
            (folder / "train.toml").write_text(CONFIG.format(path=path, T=T, steps=STEPS, sided=sided))
            command = [unrolled, "run", folder / "train.toml", "--out", folder / "out", "--quiet"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            with open(folder / "out" / "metrics.csv") as file:
                at = [float(row["seconds"]) for row in csv.DictReader(file)]
            ours = statistics.median(b - a for a, b in zip(at, at[1:-1]))
            line = f"{name}: unrolled {1e3 * ours:.2f} ms a step"
            if pathlib.Path(options.python).exists():
                command = [options.python, "-c", TORCH, path, str(T), str(STEPS), sided]
                theirs = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                line += f", PyTorch {1e3 * theirs:.2f} ms, x{ours / theirs:.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
