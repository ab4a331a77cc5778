#!/usr/bin/env python3
"""Codes at a fixed dictionary: `unrolled encode` to a relative duality gap beside SPAMS `lasso` (exact, by homotopy)
and scikit-learn's coordinate descent, whichever is installed, on the same arrays.

    python3 benches/encode.py [--python PYTHON_WITH_NUMPY] [--examples 100000]
"""
import argparse, pathlib, subprocess, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = """
import sys, time, os, numpy as np
file = np.load(sys.argv[1]); X, D = file["X"], file["D"]
penalty = 0.2
try:
    import spams
    started = time.perf_counter()
    spams.lasso(np.asfortranarray(X.T), np.asfortranarray(D), lambda1=penalty, mode=2, numThreads=os.cpu_count())
    print(f"SPAMS lasso (exact) {time.perf_counter() - started:.2f} s", flush=True)
except ImportError:
    print("SPAMS is not installed")
try:
    from sklearn.decomposition import sparse_encode
    some = X[: len(X) // 10]
    started = time.perf_counter()
    sparse_encode(some, D.T, algorithm="lasso_cd", alpha=penalty, n_jobs=os.cpu_count(), max_iter=1000)
    print(f"scikit-learn lasso_cd (its own tolerance) {10 * (time.perf_counter() - started):.2f} s, from a tenth", flush=True)
except ImportError:
    print("scikit-learn is not installed")
"""
DATA = """
import sys, numpy as np
r = np.random.default_rng(39); n = int(sys.argv[2])
D = r.normal(size=(64, 200)); D /= np.linalg.norm(D, axis=0)
Z = np.where(r.random((n, 200)) < 5 / 200, r.uniform(1, 2, (n, 200)) * r.choice([-1, 1], (n, 1)), 0)
np.savez(sys.argv[1], X=Z @ D.T + 0.05 * r.normal(size=(n, 64)), D=D)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=str(ROOT / "target" / "peers" / "bin" / "python"))
    parser.add_argument("--examples", default="100000")
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data.npz"
        subprocess.run([options.python, "-c", DATA, data, options.examples], check=True)
        for gap in ("1e-2", "1e-4", "1e-6"):
            command = [ROOT / "target" / "release" / "unrolled", "encode", "--dictionary", data, "--key", "D", "--data", data]
            command += ["--penalty", "0.2", "--gap", gap, "--sparse", "--out", pathlib.Path(folder) / f"{gap}.safetensors"]
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            print(f"unrolled encode --gap {gap} {time.perf_counter() - started:.2f} s, the file included", flush=True)
        subprocess.run([options.python, "-c", PEERS, data], check=True)


if __name__ == "__main__":
    main()
