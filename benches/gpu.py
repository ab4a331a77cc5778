#!/usr/bin/env python3
"""Ours on a graphics card beside PyTorch eager, torch.compile and CUDA graphs: the same arrays, one run, interleaved,
medians, as ratios to PyTorch eager.

    python3 benches/gpu.py [--install] [--features wgpu] [--device wgpu] [--rounds 9] [W1 "W2 B50" "W2 B4096" "W4 B4096"]

Needs a machine with a graphics card; --features and --device choose how ours reaches it (wgpu, vulkan, cuda). Without
one it still runs, ours on a software driver and PyTorch on the CPU, and compares values only: the times say nothing.
"""
import argparse, pathlib, statistics, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from compare import PEERS, ROOT, Contestant, install, problem

# name: m, p, B, s, T
SIZES = {
    "W1": (50, 100, 500, 5, 100),
    "W2 B50": (1000, 1500, 50, 10, 100),
    "W2 B4096": (1000, 1500, 4096, 10, 100),
    "W4 B4096": (784, 500, 4096, 20, 15),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--features", default="wgpu")
    parser.add_argument("--device", default="wgpu")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--python", default=str(PEERS / "bin" / "python"), help="a Python with torch and safetensors")
    parser.add_argument("--ours", default="fused,captured,autodiff", help="our ways to run")
    parser.add_argument("--peers", default="eager,compile,graphs", help="PyTorch's ways to run")
    parser.add_argument("--binary", help="the contestant, where it was built elsewhere")
    parser.add_argument("sizes", nargs="*")
    options = parser.parse_args()
    if options.install:
        install("numpy", "safetensors", "torch")
    if not options.binary:
        build = ["cargo", "build", "--release", "--example", "contestant", "--features", options.features]
        subprocess.run(build, cwd=ROOT, check=True)
    ours = options.binary or str(ROOT / "target" / "release" / "examples" / "contestant")
    peers = pathlib.Path(options.python).exists()
    if not peers:
        print("PyTorch is not installed (--install); our own figures alone")
    for name, (m, p, n, s, T) in SIZES.items():
        if options.sizes and name not in options.sizes:
            continue
        path = ROOT / "target" / "bench.safetensors"
        path.parent.mkdir(exist_ok=True)
        problem(path, m, p, n, s, "two")
        for what in ("both", "forward"):
            rest = [what, str(T), "two"]
            sides = [Contestant(engine, [ours, path, engine, *rest, options.device]) for engine in options.ours.split(",")]
            for who in options.peers.split(",") if peers else ():
                try:
                    sides.append(Contestant(who, [options.python, ROOT / "benches" / "gpu_peers.py", path, who, what, str(T)]))
                except AssertionError:
                    print(f"PyTorch {who} does not run here")
            for round in range(options.rounds + 3):
                [side.go(round >= 3) for side in sides]
            eager = next((side for side in sides if side.name == "eager"), None)
            print(f"\n{name}: m {m}, p {p}, B {n}, s {s}, T {T}, {'forward + backward' if what == 'both' else 'forward'}")
            for side in sides:
                seconds = statistics.median(side.seconds)
                line = f"  {side.name:10} {1e3 * seconds:10.2f} ms"
                if eager:
                    line += f"  x{seconds / statistics.median(eager.seconds):.2f} of eager"
                    line += f"  value differs by {abs(float(side.norm) / float(eager.norm) - 1):.1e}"
                print(line, flush=True)
            [side.end() for side in sides]


if __name__ == "__main__":
    main()
