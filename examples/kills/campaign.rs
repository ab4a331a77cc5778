//! Runs that are killed at random moments, again and again, until they are finished; and what must hold then.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::same_run;

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Job {
    Comparison,
    Learning,
    Encode,
}

pub const JOBS: [Job; 3] = [Job::Comparison, Job::Learning, Job::Encode];

const COMPARISON: &str = "experiment = \"compare-gradients\"\nseed = 7\n[data]\nexamples = 1500\nfeatures = 10\n\
    atoms = 15\nnonzeros = 2\n[encoder]\nstep = 0.1\n[compare]\niterations = [1, 4, 9]\nlasso_iterations = 60\n\
    save_arrays_at = [4, 9]\nrepeats = 8\n";
const LEARNING: &str = "experiment = \"learn-dictionary\"\nseed = 7\nprecision = \"float32\"\n[data]\n\
    examples = 130\nfeatures = 10\natoms = 15\nnonzeros = 2\n[dictionary]\n\
    init = { method = \"perturbed-truth\", noise = 0.1 }\n[encoder]\niterations = 10\nstep = 0.1\n[train]\n\
    steps = 400\nbatch_size = 20\nmeasure_every = 5\ncheckpoint_every = 40\nvalidation = 0.2\n[optimizer]\n\
    learning_rate = 1e-2\n[[runs]]\nname = \"a\"\n[[runs]]\nname = \"b\"\ntrain.steps = 300\n";

/// One folder with the three jobs, done once without a kill.
pub struct Campaign {
    binary: PathBuf,
    folder: PathBuf,
    seed: u64,
    /// How long each took.
    took: [Duration; 3],
    attempts: u64,
    /// Processes that were killed while they ran,
    pub kills: u64,
    /// and jobs that came to their end after at least one.
    pub finished: u64,
}

impl Campaign {
    pub fn new(binary: &Path, folder: &Path, seed: u64) -> Self {
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        std::fs::write(folder.join("comparison.toml"), COMPARISON)
            .expect("the folder can be written to");
        std::fs::write(folder.join("learning.toml"), LEARNING)
            .expect("the folder can be written to");
        let numbers = (0..2000 * 10)
            .flat_map(|i: u32| f64::from(i.wrapping_mul(i) % 97 + i % 5).to_le_bytes());
        let numbers: Vec<u8> = numbers.collect();
        let view =
            TensorView::new(Dtype::F64, vec![2000, 10], &numbers).expect("the shape is right");
        let rows = safetensors::serialize([("X", view)], None).expect("the array is valid");
        std::fs::write(folder.join("rows.safetensors"), rows)
            .expect("the folder can be written to");
        let mut campaign = Self {
            binary,
            folder,
            seed,
            took: [Duration::ZERO; 3],
            attempts: 0,
            kills: 0,
            finished: 0,
        };
        // The dictionary of `encode` is the one that is learned.
        for job in [Job::Learning, Job::Comparison, Job::Encode] {
            let started = Instant::now();
            let status =
                campaign.command(job, "whole").status().expect("the binary can be started");
            assert!(status.success(), "{job:?}: {}", campaign.said());
            campaign.took[job as usize] = started.elapsed();
        }
        campaign
    }

    /// The command of a job that writes to `out`, or goes on with what is there.
    fn command(&self, job: Job, out: &str) -> Command {
        let mut command = Command::new(&self.binary);
        let said = std::fs::File::create(self.folder.join("said.txt"))
            .expect("the folder can be written to");
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(said);
        let path = self.path(job, out);
        match job {
            Job::Encode => {
                let _ = std::fs::remove_file(&path);
                command.args(["encode", "--dictionary", "whole-learning", "--key", "a"]);
                command.args(["--data", "rows.safetensors", "--penalty", "0.2", "--gap", "1e-6"]);
            }
            Job::Comparison => drop(command.args(["run", "comparison.toml"])),
            Job::Learning => drop(command.args(["run", "learning.toml"])),
        }
        if path.join("config.toml").is_file() {
            command.arg("--resume");
        }
        command.arg("--out").arg(&path);
        command
    }

    fn path(&self, job: Job, out: &str) -> PathBuf {
        let name = match job {
            Job::Encode => format!("{out}-codes.safetensors"),
            Job::Comparison => format!("{out}-comparison"),
            Job::Learning => format!("{out}-learning"),
        };
        self.folder.join(name)
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("said.txt")).unwrap_or_default()
    }

    /// Starts a job and kills it, and again, until it is finished; then compares it with the one that was never
    /// killed.
    pub fn finish(&mut self, job: Job) {
        let path = self.path(job, "killed");
        let before = self.kills;
        while !self.attempt(job) {
            self.expect_whole_files(job, &path);
        }
        let whole = self.path(job, "whole");
        let differs = match job {
            Job::Encode => (std::fs::read(&path).ok() != std::fs::read(whole).ok())
                .then(|| "the codes".to_owned()),
            _ => same_run::differences(&path, &whole),
        };
        assert!(differs.is_none(), "{job:?} after {} kills: {differs:?}", self.kills - before);
        self.expect_nothing_left(&path);
        self.finished += u64::from(self.kills > before);
        let _ = std::fs::remove_dir_all(&path);
        let _ = std::fs::remove_file(&path);
    }

    /// Whether the job was finished before it was killed.
    fn attempt(&mut self, job: Job) -> bool {
        let mut hasher = DefaultHasher::new();
        self.attempts += 1;
        (self.seed, self.attempts).hash(&mut hasher);
        let share = hasher.finish() as f64 / u64::MAX as f64;
        let mut child = self.command(job, "killed").spawn().expect("the binary can be started");
        let deadline = Instant::now() + self.took[job as usize].mul_f64(1.1 * share);
        let mut killed = false;
        let status = loop {
            let ended = child.try_wait().expect("the child is ours");
            match ended {
                Some(status) => break status,
                None if killed => std::thread::yield_now(),
                None if Instant::now() >= deadline => {
                    child.kill().expect("the child is ours");
                    killed = true;
                }
                None => std::thread::sleep(Duration::from_micros(200)),
            }
        };
        match (status.success(), status.code()) {
            (true, _) => true,
            (false, None) => {
                self.kills += 1;
                false
            }
            (false, Some(code)) => panic!("{job:?} ends with {code} after a kill: {}", self.said()),
        }
    }

    /// What was begun by the processes that were killed is gone.
    fn expect_nothing_left(&self, path: &Path) {
        for folder in [&self.folder, path] {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                assert!(!name.starts_with(".unfinished-"), "{name} is left behind");
            }
        }
    }

    /// A file that is there is whole.
    fn expect_whole_files(&self, job: Job, path: &Path) {
        if job == Job::Encode {
            let codes = std::fs::read(path).ok();
            let whole = std::fs::read(self.path(job, "whole")).ok();
            assert!(codes.is_none() || codes == whole, "encode left a part of its output");
            return;
        }
        if let Ok(bytes) = std::fs::read(path.join("results.json")) {
            let parsed = serde_json::from_slice::<serde_json::Value>(&bytes);
            assert!(parsed.is_ok(), "results.json is not whole");
        }
        if let Ok(bytes) = std::fs::read(path.join("arrays.safetensors")) {
            assert!(SafeTensors::deserialize(&bytes).is_ok(), "arrays.safetensors is not whole");
        }
    }
}

/// A folder in memory where the system has one there: a kill loses nothing that a program has written, on whatever disk.
pub fn scratch() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    folder.expect("a temporary folder can be made")
}

/// Threads that do nothing, busily, for as long as this is held.
pub struct Load(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Load {
    pub fn of(threads: usize) -> Self {
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        for _ in 0..threads {
            let stop = stop.clone();
            std::thread::spawn(move || {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(stop)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
