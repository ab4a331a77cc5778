"""The other sides of gpu.py: PyTorch, on the graphics card where there is one. Answers every line on standard input
with the seconds of one run.

    gpu_peers.py FILE.safetensors eager|compile|graphs both|forward T
"""
import sys, time

import torch
from safetensors.numpy import load_file

file, who, what, T = sys.argv[1:]
T, penalty, step = int(T), 0.2, 0.2
b = penalty * step
device = "cuda" if torch.cuda.is_available() else "cpu"
arrays = load_file(file)
X, D0 = (torch.from_numpy(arrays[name]).to(device) for name in ("X", "D"))
eye = torch.eye(D0.shape[1], device=device)


def codes(D):
    M = eye - step * (D.T @ D)
    c = step * (X @ D)
    z = torch.nn.functional.softshrink(c, b)
    for _ in range(T - 1):
        z = torch.nn.functional.softshrink(torch.addmm(c, z, M), b)
    return z


def forward(D):
    with torch.no_grad():
        return codes(D)


def both(D):
    D = D.detach().requires_grad_(True)
    loss = 0.5 * ((codes(D) @ D.T - X) ** 2).sum() / X.shape[0]
    return torch.autograd.grad(loss, D)[0]


compute = forward if what == "forward" else both
if who == "compile":
    inner = torch.compile(codes)
    codes = inner
if who == "graphs":
    if device != "cuda":
        sys.exit("CUDA graphs need a CUDA device")
    static = D0.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            compute(static)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = compute(static)

    def compute(D):
        static.copy_(D)
        graph.replay()
        return result


def run():
    return float(compute(D0).abs().sum())


run()
print("ready", flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    norm = run()
    print(time.perf_counter() - started, 0, norm, flush=True)
