#!/usr/bin/env python3
"""Lasso codes at a fixed dictionary, arrays in memory on both sides: coordinate descent to a relative duality gap beside
SPAMS `lasso` (exact, by homotopy), scikit-learn's coordinate descent and celer, whichever are installed; and what
`g_implicit` costs beside the solution that it needs.

    python3 benches/solved.py [--python PYTHON_WITH_NUMPY] [--rounds 3]
"""
import argparse, json, os, pathlib, statistics, struct, subprocess, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PENALTY = 0.2
SIZES = [(100_000, 64, 200, 5), (10_000, 784, 1000, 20)]
DATA = """
import sys, json, struct, numpy as np
n, m, p, s = map(int, sys.argv[2:6]); r = np.random.default_rng(39)
D = r.normal(size=(m, p)); D /= np.linalg.norm(D, axis=0)
Z = np.where(r.random((n, p)) < s / p, r.uniform(1, 2, (n, p)) * r.choice([-1, 1], (n, 1)), 0)
X = Z @ D.T + 0.05 * r.normal(size=(n, m))
arrays, offset, header = {"X": X, "D": D}, 0, {}
for name, a in arrays.items():
    header[name] = {"dtype": "F64", "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}; offset += a.nbytes
text = json.dumps(header).encode()
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text)
    for a in arrays.values(): f.write(np.ascontiguousarray(a).tobytes())
"""
PEERS = """
import sys, os, time, json, struct, numpy as np
raw = open(sys.argv[1], "rb").read(); size = struct.unpack("<Q", raw[:8])[0]; head = json.loads(raw[8:8 + size])
def array(name):
    a, b = head[name]["data_offsets"]
    return np.frombuffer(raw[8 + size + a:8 + size + b]).reshape(head[name]["shape"])
X, D, penalty, rounds = array("X"), array("D"), float(sys.argv[2]), int(sys.argv[3])
try:
    import spams
    x, d = np.asfortranarray(X.T), np.asfortranarray(D)
    for _ in range(rounds):
        started = time.perf_counter()
        z = spams.lasso(x, d, lambda1=penalty, mode=2, numThreads=os.cpu_count())
        seconds = time.perf_counter() - started
        print("SPAMS", seconds, z.nnz / (X.shape[0] * D.shape[1]), flush=True)
except ImportError:
    print("SPAMS is not installed", flush=True)
try:
    from sklearn.decomposition import sparse_encode
    some = X[: len(X) // 20]
    started = time.perf_counter()
    sparse_encode(some, D.T, algorithm="lasso_cd", alpha=penalty, n_jobs=os.cpu_count(), max_iter=1000)
    print("scikit-learn (from a twentieth)", 20 * (time.perf_counter() - started), flush=True)
except ImportError:
    print("scikit-learn is not installed", flush=True)
try:
    from celer import Lasso
    model, d, some = Lasso(alpha=penalty / X.shape[1], fit_intercept=False, tol=1e-6), np.asfortranarray(D), X[:200]
    model.fit(d, some[0])
    started = time.perf_counter()
    for x in some: model.fit(d, x)
    print("celer, one example after another (from 200)", len(X) / len(some) * (time.perf_counter() - started), flush=True)
except ImportError:
    print("celer is not installed", flush=True)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=str(ROOT / "target" / "peers" / "bin" / "python"))
    parser.add_argument("--rounds", default=3, type=int)
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--example", "solver"], cwd=ROOT, check=True)
    solver = ROOT / "target" / "release" / "examples" / "solver"
    with tempfile.TemporaryDirectory() as folder:
        data = str(pathlib.Path(folder) / "data.safetensors")
        for n, m, p, s in SIZES:
            subprocess.run([options.python, "-c", DATA, data, *map(str, (n, m, p, s))], check=True)
            print(f"X {n} x {m}, D {m} x {p}, penalty {PENALTY}")
            for gap in ("1e-2", "1e-6"):
                for _ in range(options.rounds):
                    command = [solver, data, "codes", str(PENALTY), gap, str(os.cpu_count())]
                    print(f"  ours to {gap}:", subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
            peers = [options.python, "-c", PEERS, data, str(PENALTY), str(options.rounds)]
            for line in subprocess.run(peers, check=True, capture_output=True, text=True).stdout.splitlines():
                print(" ", line)
        subprocess.run([options.python, "-c", DATA, data, "1000", "100", "150", "5"], check=True)
        command = [solver, data, "implicit", str(PENALTY), "1e-6", str(3 * options.rounds)]
        rows = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
        rows = [tuple(map(float, row.split())) for row in rows if row]
        alone, both = (statistics.median(column) for column in zip(*rows))
        print(f"g_implicit, m 100, p 150, 1000 examples: {1e3 * both:.1f} ms, of which the codes {1e3 * alone:.1f} ms: x{both / alone:.2f}")


if __name__ == "__main__":
    main()
