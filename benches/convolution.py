#!/usr/bin/env python3
"""The convolutional unroll beside PyTorch: the same arrays, one run, interleaved, medians, as ratios.

    python3 benches/convolution.py [--rounds 9] [--threads 2] [--filters W.npy] [--python target/peers/bin/python] [NAME …]

Wants a Python with NumPy and PyTorch (`benches/compare.py --install` makes one). --filters takes filters `[64, 1, 9, 9]`
for the sizes that have such; all others are random cosines in Gaussian envelopes. PyTorch convolves with conv2d and
conv_transpose2d, shrinks with softshrink and differentiates through all iterations.
"""
import argparse, os, pathlib, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# name: p, h, stride, height, width, n, forward alone
SIZES = {
    "patch": (64, 9, 4, 129, 129, 1, False),
    "patches": (64, 9, 4, 129, 129, 8, False),
    "image": (64, 9, 4, 481, 321, 1, True),
    "small32": (32, 7, 2, 127, 127, 8, False),
    "small64": (64, 7, 2, 127, 127, 8, False),
    "large": (175, 11, 8, 131, 131, 8, False),
    "dense": (64, 7, 1, 128, 128, 1, False),
}
ITERATIONS, PENALTY, STEP = 15, 0.16, 0.1


def arrays(np, p, h, height, width, n):
    """Filters of norm 1; ramps and discs with noise of 25/255, without their mean."""
    draw = np.random.default_rng(39)
    y, x = np.mgrid[:h, :h]
    filters = np.empty((p, 1, h, h))
    for j in range(p):
        angle, phase, frequency = np.pi * draw.random(), 6.3 * draw.random(), 0.1 + draw.random()
        wide, (v, u) = h * (0.15 + 0.3 * draw.random()), h * draw.random(2)
        along = frequency * (np.cos(angle) * (x - u) + np.sin(angle) * (y - v)) + phase
        envelope = np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * wide**2))
        filters[j, 0] = np.cos(along) * envelope + 0.01 * draw.normal(size=(h, h))
    filters /= np.sqrt((filters**2).sum((1, 2, 3), keepdims=True))
    y, x = np.mgrid[:height, :width]
    images = np.empty((n, 1, height, width))
    for image in images[:, 0]:
        image[:] = (draw.random() - 0.5) * y / height + (draw.random() - 0.5) * x / width
        for _ in range(height * width // 600):
            (v, u), radius = draw.random(2) * (height, width), 2 + 15 * draw.random() * draw.random()
            image[np.hypot(y - v, x - u) < radius] = draw.random() - 0.5
        image += 25 / 255 * draw.normal(size=image.shape)
        image -= image.mean()
    return filters.astype(np.float32), images.astype(np.float32)


def norm(torch, filters, image, stride):
    """The largest eigenvalue of D Dᵀ: the step is at most one over it."""
    F = torch.nn.functional
    for _ in range(30):
        image = image / image.norm()
        image = F.conv_transpose2d(F.conv2d(image, filters, stride=stride), filters, stride=stride)
    return float(image.norm())


def torch_run(torch, filters, images, stride, step, both):
    F = torch.nn.functional
    W = filters.clone().requires_grad_(both)
    z = None
    with torch.set_grad_enabled(both):
        for t in range(ITERATIONS):
            r = -images if z is None else F.conv_transpose2d(z, W, stride=stride) - images
            g = F.conv2d(r, W, stride=stride)
            z = F.softshrink(-step * g if z is None else z - step * g, PENALTY * step)
        x = F.conv_transpose2d(z, W, stride=stride)
        if both:
            (0.5 * (x - images).pow(2).sum() + PENALTY * z.abs().sum()).backward()
    return z, x, W.grad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--filters")
    parser.add_argument("--python", default=str(ROOT / "target" / "peers" / "bin" / "python"))
    parser.add_argument("--ours", help="the benchmark, built already")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    try:
        import numpy as np, torch
    except ImportError:
        os.execv(options.python, [options.python, *sys.argv])
    torch.set_num_threads(options.threads)
    ours = options.ours
    if not ours:
        build = ["cargo", "bench", "-p", "unrolled-kernels", "--bench", "convolution", "--no-run", "--message-format=json"]
        messages = subprocess.run(build, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        import json

        built = [json.loads(line) for line in messages.splitlines()]
        ours = next(m["executable"] for m in built if m.get("executable"))
    for name, (p, h, stride, height, width, n, alone) in SIZES.items():
        if options.names and name not in options.names:
            continue
        # Images that the positions cover wholly.
        height, width = ((size - h) // stride * stride + h for size in (height, width))
        filters, images = arrays(np, p, h, height, width, n)
        if options.filters and (p, h) == (64, 9):
            filters = np.load(options.filters).astype(np.float32)
        step = min(STEP, 1 / norm(torch, torch.from_numpy(filters), torch.from_numpy(images[:1]), stride))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "arrays"
            path.write_bytes(filters.tobytes() + images.tobytes())
            tensors = torch.from_numpy(filters), torch.from_numpy(images)
            for both in (False,) if alone else (False, True):
                rest = [p, h, stride, height, width, n, ITERATIONS, PENALTY, step, "both" if both else "forward"]
                command = [ours, path, *map(str, rest)]
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "RAYON_NUM_THREADS": str(options.threads)},
                )
                theirs, mine = [], []
                for _ in range(options.rounds + 2):
                    time.sleep(0.05)
                    started = time.perf_counter()
                    z = torch_run(torch, *tensors, stride, step, both)[0]
                    theirs.append(1e3 * (time.perf_counter() - started))
                    # Its threads wait for more work, busily, for a while.
                    time.sleep(0.05)
                    process.stdin.write("go\n")
                    process.stdin.flush()
                    milliseconds, nonzeros = process.stdout.readline().split()
                    mine.append(float(milliseconds))
                process.stdin.close()
                process.wait()
                a, b = statistics.median(mine[2:]), statistics.median(theirs[2:])
                size = f"{p} of {h}x{h}, stride {stride}, {n} of {height}x{width}"
                what = "forward and backward" if both else "forward"
                share = 100 * int(nonzeros) / z.numel()
                print(
                    f"{name:8} {size:38} {what:21} ours {a:8.2f} ms  PyTorch {b:8.2f} ms  x{a / b:.3f}"
                    f"  {share:.1f} % of codes ({100 * float((z != 0).float().mean()):.1f} %)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
