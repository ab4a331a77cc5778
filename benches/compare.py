#!/usr/bin/env python3
"""Ours beside PyTorch and JAX: the same arrays, one run, interleaved, medians, as ratios.

    python3 benches/compare.py [--install] [--rounds 7] [W1 W1b "W2 s10" …]

--install makes a virtual environment of its own, target/peers, with NumPy, safetensors, PyTorch and JAX (about 4 GB).
Without it only our own figures are printed. Peak memory is what a process takes beyond what it held when its data
were loaded.
"""
import argparse, json, pathlib, statistics, struct, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "target" / "peers"
# name: m, p, B, s, T, sided
SIZES = {
    "W1": (50, 100, 500, 5, 100, "two"),
    "W1b": (100, 150, 1000, 5, 100, "two"),
    "W1b T1000": (100, 150, 1000, 5, 1000, "two"),
    "W2 s10": (1000, 1500, 100, 10, 100, "two"),
    "W2 s20": (1000, 1500, 100, 20, 100, "two"),
    "W2 s40": (1000, 1500, 100, 40, 100, "two"),
    "W4": (784, 500, 32, 20, 15, "one"),
}


def problem(path, m, p, n, s, sided):
    """Unit atoms, codes uniform in [1, 2], a start 0.02 from the truth; from Python's own generator."""
    import random

    draw = random.Random(39)
    gauss = draw.gauss
    columns = []
    for _ in range(p):
        atom = [gauss(0, 1) for _ in range(m)]
        norm = sum(v * v for v in atom) ** 0.5
        columns.append([v / norm for v in atom])
    X = []
    for _ in range(n):
        sign = 1 if sided == "one" else draw.choice([-1, 1])
        x = [0.0] * m
        for j in draw.sample(range(p), s):
            code = sign * draw.uniform(1, 2)
            for i, v in enumerate(columns[j]):
                x[i] += code * v
        X += x
    for j, atom in enumerate(columns):
        atom = [v + 0.02 * gauss(0, 1) for v in atom]
        norm = sum(v * v for v in atom) ** 0.5
        columns[j] = [v / norm for v in atom]
    D = [columns[j][i] for i in range(m) for j in range(p)]
    header, data = {}, b""
    for name, shape, values in (("D", [m, p], D), ("X", [n, m], X)):
        chunk = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(chunk)]}
        data += chunk
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


class Contestant:
    def __init__(self, name, command):
        self.name, self.seconds, self.peak = name, [], 0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().strip() == "ready", name

    def go(self, counts):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        seconds, peak, self.norm = self.process.stdout.readline().split()
        self.peak = max(self.peak, int(peak))
        if counts:
            self.seconds.append(float(seconds))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def install(*packages):
    """Into a virtual environment of its own."""
    print(f"installing {', '.join(packages)} into {PEERS}")
    subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    subprocess.run([PEERS / "bin" / "pip", "install", "--quiet", *packages], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", default=str(PEERS / "bin" / "python"), help="a Python with torch, jax, safetensors")
    parser.add_argument("sizes", nargs="*")
    options = parser.parse_args()
    if options.install:
        install("numpy", "safetensors", "torch", "jax[cpu]")
    build = ["cargo", "build", "--release", "--example", "contestant"]
    subprocess.run(build, cwd=ROOT, check=True)
    ours = str(ROOT / "target" / "release" / "examples" / "contestant")
    peers = pathlib.Path(options.python).exists()
    if not peers:
        print("PyTorch and JAX are not installed (--install); our own figures alone")
    for name, (m, p, n, s, T, sided) in SIZES.items():
        if options.sizes and name not in options.sizes:
            continue
        path = ROOT / "target" / "bench.safetensors"
        problem(path, m, p, n, s, sided)
        for what in ("both", "forward"):
            rest = [what, str(T), sided]
            sides = [Contestant("fused", [ours, path, "fused", *rest]), Contestant("autodiff", [ours, path, "autodiff", *rest])]
            if peers:
                for who in ("torch-gram", "torch-residual", "jax"):
                    try:
                        sides.append(Contestant(who, [options.python, ROOT / "benches" / "peers.py", path, who, *rest]))
                    except AssertionError:
                        print(f"{who} does not run here")
            for _ in range(2):
                [side.go(False) for side in sides]
            for _ in range(options.rounds):
                [side.go(True) for side in sides]
            torch = [side for side in sides if side.name.startswith("torch")]
            best = min(torch, key=lambda side: statistics.median(side.seconds)) if torch else None
            print(f"\n{name}: m {m}, p {p}, B {n}, s {s}, T {T}, {'forward + backward' if what == 'both' else 'forward'}")
            for side in sides:
                seconds = statistics.median(side.seconds)
                line = f"  {side.name:15} {1e3 * seconds:9.2f} ms  peak {side.peak / 1024:8.1f} MB"
                if best:
                    ratio, memory = seconds / statistics.median(best.seconds), side.peak / max(best.peak, 1)
                    line += f"  x{ratio:.2f} time, x{memory:.2f} memory of {best.name}"
                print(line, flush=True)
            [side.end() for side in sides]


if __name__ == "__main__":
    main()
