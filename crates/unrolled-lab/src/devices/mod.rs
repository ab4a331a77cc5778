//! The devices that a configuration can name.

#[cfg(feature = "wgpu")]
mod adapters;
#[cfg(feature = "cuda")]
mod cuda;
mod limits;
mod lost;

pub use limits::Limits;
pub(crate) use lost::caught;
pub use lost::guarded;

use burn::tensor::Device;

use crate::Error;

/// One graphics card, or what stands for one.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// As it names itself.
    pub name: String,
    /// What sort of thing it is.
    pub kind: String,
    /// Its driver and the driver's version.
    pub driver: String,
    /// The graphics interface: Vulkan, Metal, DirectX 12 or OpenGL.
    pub interface: String,
    /// Whether it is a program on the CPU.
    pub is_software: bool,
    /// What fits on it.
    pub limits: Limits,
}

/// A device that is ready.
#[derive(Clone, Debug)]
pub struct Opened {
    /// For tensors.
    pub device: Device,
    /// What fits on it.
    pub limits: Limits,
    /// What it is, where it is not the CPU itself.
    pub adapter: Option<Adapter>,
}

impl Opened {
    #[cfg_attr(
        not(any(feature = "wgpu", feature = "cuda")),
        expect(dead_code, reason = "for graphics cards")
    )]
    fn on((device, adapter): (Device, Adapter)) -> Self {
        Self { device, limits: adapter.limits, adapter: Some(adapter) }
    }

    fn on_the_cpu(device: Device) -> Self {
        Self { device, limits: Limits::of_the_cpu(), adapter: None }
    }
}

type Open = fn(usize) -> Result<Opened, String>;
type List = fn() -> Result<Vec<Adapter>, String>;

/// A kind of device.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in configurations.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// The feature that compiles it in; "" where it always is.
    pub feature: &'static str,
    /// Whether it computes with Burn's CPU backends, one block of examples on each thread.
    pub is_cpu: bool,
    open: Option<Open>,
    list: Option<List>,
}

/// All kinds, compiled in or not.
pub const KINDS: [Kind; 5] = [
    Kind {
        name: "flex",
        description: "CPU, Burn's own backend",
        feature: "",
        is_cpu: true,
        open: Some(|index| only_one("flex", index, Device::flex)),
        list: None,
    },
    Kind {
        name: "ndarray",
        description: "CPU, Burn on the ndarray crate",
        feature: "ndarray",
        is_cpu: true,
        #[cfg(feature = "ndarray")]
        open: Some(|index| only_one("ndarray", index, ndarray)),
        #[cfg(not(feature = "ndarray"))]
        open: None,
        list: None,
    },
    Kind {
        name: "wgpu",
        description: "GPU through wgpu (WGSL)",
        feature: "wgpu",
        is_cpu: false,
        #[cfg(feature = "wgpu")]
        open: Some(|index| adapters::open(index, false).map(Opened::on)),
        #[cfg(not(feature = "wgpu"))]
        open: None,
        #[cfg(feature = "wgpu")]
        list: Some(|| adapters::list(false)),
        #[cfg(not(feature = "wgpu"))]
        list: None,
    },
    Kind {
        name: "vulkan",
        description: "GPU through Vulkan (SPIR-V)",
        feature: "vulkan",
        is_cpu: false,
        #[cfg(feature = "vulkan")]
        open: Some(|index| adapters::open(index, true).map(Opened::on)),
        #[cfg(not(feature = "vulkan"))]
        open: None,
        #[cfg(feature = "vulkan")]
        list: Some(|| adapters::list(true)),
        #[cfg(not(feature = "vulkan"))]
        list: None,
    },
    Kind {
        name: "cuda",
        description: "NVIDIA GPU through CUDA",
        feature: "cuda",
        is_cpu: false,
        #[cfg(feature = "cuda")]
        open: Some(cuda::open),
        #[cfg(not(feature = "cuda"))]
        open: None,
        #[cfg(feature = "cuda")]
        list: Some(cuda::list),
        #[cfg(not(feature = "cuda"))]
        list: None,
    },
];

#[cfg(feature = "ndarray")]
#[expect(deprecated, reason = "a second opinion for as long as Burn has it")]
fn ndarray() -> Device {
    Device::ndarray()
}

fn only_one(name: &str, index: usize, device: impl Fn() -> Device) -> Result<Opened, String> {
    match index {
        0 => Ok(Opened::on_the_cpu(device())),
        _ => Err(format!(
            "there is no device \"{name}:{index}\": {name} has only index 0; use \"{name}\""
        )),
    }
}

impl Kind {
    /// Whether this build has it.
    pub fn is_compiled_in(&self) -> bool {
        self.open.is_some()
    }

    /// The adapters that its index counts; none for the CPU. The message says why there is none, and
    /// the remedy.
    pub fn adapters(&self) -> Result<Vec<Adapter>, String> {
        self.list.map_or(Ok(Vec::new()), |list| list())
    }

    /// The kind of that name, without an index.
    pub(crate) fn named(name: &str) -> Option<&'static Kind> {
        static ALL: [Kind; 5] = KINDS;
        ALL.iter().find(|kind| kind.name == name)
    }
}

/// The kind of a device, without its index.
pub fn kind_of(device: &str) -> &str {
    device.split(':').next().unwrap_or_default()
}

/// Whether a device computes with Burn's CPU backends, one block of examples on each thread.
pub fn is_cpu(device: &str) -> bool {
    Kind::named(kind_of(device)).is_none_or(|kind| kind.is_cpu)
}

/// Splits "wgpu:1" into its kind and its index; the message says what is wrong and the remedy.
pub(crate) fn parse(device: &str) -> Result<(&'static Kind, usize), String> {
    let (name, index) = device.split_once(':').unwrap_or((device, "0"));
    let names = KINDS.map(|kind| kind.name);
    let Some(kind) = Kind::named(name) else {
        return Err(match crate::words::nearest(name, &names) {
            Some(near) => format!("`device` is \"{device}\"; did you mean \"{near}\"?"),
            None => format!("`device` is \"{device}\"; choose one of {}", names.join(", ")),
        });
    };
    match index.parse() {
        Ok(index) => Ok((kind, index)),
        Err(_) => Err(format!(
            "`device` is \"{device}\"; write a whole number behind the colon, as in \"{name}:0\""
        )),
    }
}

/// Opens a device by name. There is no fall back: what is asked for is opened, or nothing.
pub fn open(device: &str) -> Result<Opened, Error> {
    let (kind, index) = parse(device).map_err(Error::Device)?;
    let Some(open) = kind.open else {
        return Err(Error::Device(format!(
            "the device \"{device}\" is not compiled in; build with `cargo run --release \
             --features {} -- …`, or use --device flex",
            kind.feature
        )));
    };
    open(index).map_err(Error::Device)
}

/// What should be known before work begins on a device.
pub fn note(device: &str) -> Result<Option<String>, Error> {
    let adapter = open(device)?.adapter.filter(|adapter| adapter.is_software);
    Ok(adapter.map(|adapter| {
        format!(
            "\"{device}\" is {}, a driver that computes on the CPU: good for tests, slower than --device flex",
            adapter.name
        )
    }))
}
