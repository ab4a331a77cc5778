//! The devices that a configuration can name.

use burn::tensor::Device;

use crate::Error;

/// A kind of device.
pub struct Kind {
    /// Its name in configurations.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// The feature that compiles it in; "" where it always is.
    pub feature: &'static str,
    open: Option<fn(usize) -> Option<Device>>,
}

/// All kinds, compiled in or not.
pub const KINDS: [Kind; 5] = [
    Kind {
        name: "flex",
        description: "CPU, Burn's own backend",
        feature: "",
        open: Some(|index| (index == 0).then(Device::flex)),
    },
    Kind {
        name: "ndarray",
        description: "CPU, Burn on the ndarray crate",
        feature: "ndarray",
        #[cfg(feature = "ndarray")]
        open: Some(|index| (index == 0).then(ndarray)),
        #[cfg(not(feature = "ndarray"))]
        open: None,
    },
    Kind { name: "wgpu", description: "GPU through wgpu (WGSL)", feature: "wgpu", open: None },
    Kind {
        name: "vulkan",
        description: "GPU through Vulkan (SPIR-V)",
        feature: "vulkan",
        open: None,
    },
    Kind { name: "cuda", description: "NVIDIA GPU through CUDA", feature: "cuda", open: None },
];

#[cfg(feature = "ndarray")]
#[expect(deprecated, reason = "a second opinion for as long as Burn has it")]
fn ndarray() -> Device {
    Device::ndarray()
}

impl Kind {
    /// Whether this build has it.
    pub fn is_compiled_in(&self) -> bool {
        self.open.is_some()
    }
}

/// Splits "wgpu:1" into its kind and its index; the message says what is wrong and the remedy.
pub(crate) fn parse(device: &str) -> Result<(&'static Kind, usize), String> {
    static ALL: [Kind; 5] = KINDS;
    let (name, index) = device.split_once(':').unwrap_or((device, "0"));
    let names = KINDS.map(|kind| kind.name);
    let Some(kind) = ALL.iter().find(|kind| kind.name == name) else {
        return Err(match crate::config::nearest(name, &names) {
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

/// Opens a device by name.
pub fn open(device: &str) -> Result<Device, Error> {
    let (kind, index) = parse(device).map_err(Error::Device)?;
    let Some(open) = kind.open else {
        return Err(Error::Device(match kind.feature {
            "ndarray" => format!(
                "the device \"{device}\" is not compiled in; build with `cargo run --release \
                 --features {} -- …`, or use --device flex",
                kind.feature
            ),
            _ => format!(
                "the device \"{device}\" is not supported by this version; use --device flex"
            ),
        }));
    };
    open(index).ok_or_else(|| {
        Error::Device(format!(
            "there is no device \"{device}\": {} has only index 0; use \"{}\"",
            kind.name, kind.name
        ))
    })
}
