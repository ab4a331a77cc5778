"""The other sides of compare.py: PyTorch and JAX. Answers every line on standard input with the seconds of one run.

    peers.py FILE.safetensors torch-gram|torch-residual|jax both|forward T one|two
"""
import os, sys, time

file, who, what, T, sided = sys.argv[1:]
T, penalty, step = int(T), 0.2, 0.2
b = penalty * step


def kilobytes(key):
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1])


from safetensors.numpy import load_file

arrays = load_file(file)
if who.startswith("torch"):
    import torch

    torch.set_num_threads(os.cpu_count())
    X, D0 = torch.from_numpy(arrays["X"]), torch.from_numpy(arrays["D"])
    soft = (lambda v: torch.relu(v - b)) if sided == "one" else (lambda v: torch.nn.functional.softshrink(v, b))

    def codes(D):
        if who == "torch-gram":
            M = torch.eye(D.shape[1]) - step * (D.T @ D)
            c = step * (X @ D)
            z = soft(c)
            for _ in range(T - 1):
                z = soft(torch.addmm(c, z, M))
            return z
        z = soft(step * (X @ D))
        for _ in range(T - 1):
            z = soft(z - step * ((z @ D.T - X) @ D))
        return z

    def run():
        if what == "forward":
            with torch.no_grad():
                return float(codes(D0).abs().sum())
        D = D0.clone().requires_grad_(True)
        loss = 0.5 * ((codes(D) @ D.T - X) ** 2).sum() / X.shape[0]
        loss.backward()
        return float(D.grad.abs().sum())
else:
    import jax, jax.numpy as jnp

    X, D0 = jnp.asarray(arrays["X"]), jnp.asarray(arrays["D"])
    soft = (lambda v: jax.nn.relu(v - b)) if sided == "one" else (lambda v: jnp.sign(v) * jax.nn.relu(jnp.abs(v) - b))

    def codes(D):
        M = jnp.eye(D.shape[1]) - step * (D.T @ D)
        c = step * (X @ D)
        z, _ = jax.lax.scan(lambda z, _: (soft(z @ M + c), None), soft(c), None, length=T - 1)
        return z

    loss = lambda D: 0.5 * ((codes(D) @ D.T - X) ** 2).sum() / X.shape[0]
    f = jax.jit(codes) if what == "forward" else jax.jit(jax.grad(loss))
    run = lambda: float(jnp.abs(f(D0)).sum())

before = kilobytes("VmRSS")
open("/proc/self/clear_refs", "w").write("5")
print("ready", flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    norm = run()
    seconds = time.perf_counter() - started
    print(seconds, max(0, kilobytes("VmHWM") - before), norm, flush=True)
