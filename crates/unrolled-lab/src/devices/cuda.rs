//! NVIDIA's graphics cards, through CUDA.

use std::panic::catch_unwind;

use burn::tensor::{Device, DeviceType};

use super::{Adapter, Limits, Opened};

/// The cards that CUDA counts.
pub(super) fn list() -> Result<Vec<Adapter>, String> {
    // The driver's library is looked for when it is first called, and its absence is a panic there.
    let devices =
        catch_unwind(|| Device::enumerate(DeviceType::Cuda).into_iter().collect::<Vec<_>>())
            .unwrap_or_default();
    match devices.is_empty() {
        true => {
            Err("no CUDA device is found; install NVIDIA's driver and the CUDA toolkit, or use \
                     --device wgpu or --device flex"
                .to_owned())
        }
        false => Ok(devices.iter().map(describe).collect()),
    }
}

fn describe(device: &Device) -> Adapter {
    Adapter {
        name: device.identity().map_or_else(|| "NVIDIA".to_owned(), |identity| identity.name),
        kind: "graphics card".to_owned(),
        driver: "NVIDIA".to_owned(),
        interface: "CUDA".to_owned(),
        is_software: false,
        limits: Limits { buffer: None, memory: None, float64: true },
    }
}

/// Opens a card by its index.
pub(super) fn open(index: usize) -> Result<Opened, String> {
    let cards = list()?;
    let Some(adapter) = cards.get(index) else {
        return Err(format!(
            "there is no device \"cuda:{index}\": CUDA finds {}; `unrolled devices` lists them",
            cards.len()
        ));
    };
    Ok(Opened::on((Device::cuda(index), adapter.clone())))
}
