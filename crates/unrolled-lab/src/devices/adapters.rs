//! The adapters that wgpu finds, and how one of them is opened.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use burn::tensor::wgpu::{WgpuBackend, wgpu};
use burn::tensor::{Device, DeviceKind, try_read_sync};

use super::{Adapter, Limits};
use crate::memory;

/// What `index` counts: adapters of one graphics interface, in this order. Graphics cards come before
/// drivers that compute on the CPU.
const ORDER: [wgpu::DeviceType; 5] = [
    wgpu::DeviceType::DiscreteGpu,
    wgpu::DeviceType::IntegratedGpu,
    wgpu::DeviceType::VirtualGpu,
    wgpu::DeviceType::Other,
    wgpu::DeviceType::Cpu,
];

struct Found {
    adapter: Adapter,
    kind: DeviceKind,
}

/// The adapters that `wgpu` chooses from, and those that `vulkan` does.
pub(super) fn list(only_vulkan: bool) -> Result<Vec<Adapter>, String> {
    let (_, found) = find(only_vulkan)?;
    Ok(found.into_iter().map(|found| found.adapter).collect())
}

/// Opens an adapter by its place in [`list`].
pub(super) fn open(index: usize, only_vulkan: bool) -> Result<(Device, Adapter), String> {
    // A device can be opened once in a process; then it is shared.
    static OPEN: Mutex<BTreeMap<(usize, bool), (Device, Adapter)>> = Mutex::new(BTreeMap::new());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = open.get(&(index, only_vulkan)) {
        return Ok(known.clone());
    }
    let (interface, found) = find(only_vulkan)?;
    let name = if only_vulkan { "vulkan" } else { "wgpu" };
    let count = found.len();
    let Some(Found { adapter, kind }) = found.into_iter().nth(index) else {
        let known = match count {
            1 => format!("{name} finds one adapter, \"{name}:0\""),
            _ => format!("{name} finds {count} adapters, \"{name}:0\" to \"{name}:{}\"", count - 1),
        };
        return Err(format!(
            "there is no adapter \"{name}:{index}\": {known}; `unrolled devices` lists them"
        ));
    };
    let options = Device::wgpu_options().device_kind(kind).graphics_api(interface);
    let device = options.init().map_err(|error| {
        format!(
            "the adapter \"{name}:{index}\" ({}) cannot be opened ({error}); update its driver, or use \
             --device flex",
            adapter.name
        )
    })?;
    open.insert((index, only_vulkan), (device.clone(), adapter.clone()));
    Ok((device, adapter))
}

/// The adapters of the first graphics interface with a graphics card, or else of the first with any adapter.
/// OpenGL is asked only when no other interface has one.
fn find(only_vulkan: bool) -> Result<(WgpuBackend, Vec<Found>), String> {
    use WgpuBackend::{Auto, Dx12, Gl, Metal, Vulkan};
    let interfaces: &[(wgpu::Backend, WgpuBackend)] = match only_vulkan {
        true => &[(wgpu::Backend::Vulkan, Vulkan)],
        false if cfg!(target_os = "macos") => &[(wgpu::Backend::Metal, Metal)],
        false => {
            &[(wgpu::Backend::Vulkan, Vulkan), (wgpu::Backend::Dx12, Dx12), (wgpu::Backend::Gl, Gl)]
        }
    };
    let mut software = (Auto, Vec::new());
    for (interface, name) in interfaces {
        if *name == Gl && !software.1.is_empty() {
            continue;
        }
        let adapters = adapters_of(*interface);
        if adapters.iter().any(|found| !found.adapter.is_software) {
            return Ok((*name, adapters));
        }
        if software.1.is_empty() {
            software = (*name, adapters);
        }
    }
    match software.1.is_empty() {
        false => Ok(software),
        true => Err(nothing_found()),
    }
}

fn adapters_of(interface: wgpu::Backend) -> Vec<Found> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: interface.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapters = try_read_sync(instance.enumerate_adapters(interface.into())).unwrap_or_default();
    let mut found: Vec<(usize, Found)> = Vec::new();
    for adapter in &adapters {
        let info = adapter.get_info();
        let order = ORDER.iter().position(|kind| *kind == info.device_type).unwrap_or(0);
        // Burn counts the adapters of every kind by themselves.
        let before = found.iter().filter(|(other, _)| *other == order).count();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(before),
            wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(before),
            wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(before),
            wgpu::DeviceType::Cpu if before == 0 => DeviceKind::Cpu,
            wgpu::DeviceType::Other if before == 0 => DeviceKind::DefaultDevice,
            // Burn cannot name it.
            _ => continue,
        };
        found.push((order, Found { adapter: describe(adapter, &info), kind }));
    }
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, found)| found).collect()
}

fn describe(adapter: &wgpu::Adapter, info: &wgpu::AdapterInfo) -> Adapter {
    let limits = adapter.limits();
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "graphics card",
        wgpu::DeviceType::IntegratedGpu => "graphics in the processor",
        wgpu::DeviceType::VirtualGpu => "virtual graphics card",
        wgpu::DeviceType::Cpu => "software: computes on the CPU",
        wgpu::DeviceType::Other => "kind unknown",
    };
    let shares_memory =
        matches!(info.device_type, wgpu::DeviceType::Cpu | wgpu::DeviceType::IntegratedGpu);
    Adapter {
        name: info.name.clone(),
        kind: kind.to_owned(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        interface: info.backend.to_string(),
        is_software: info.device_type == wgpu::DeviceType::Cpu,
        limits: Limits {
            buffer: Some(limits.max_buffer_size.min(limits.max_storage_buffer_binding_size)),
            memory: told().or_else(|| memory::available().filter(|_| shares_memory)),
            float64: adapter.features().contains(wgpu::Features::SHADER_F64),
        },
    }
}

/// What the user says that the device has: wgpu does not tell for a graphics card with memory of its own.
fn told() -> Option<u64> {
    std::env::var("UNROLLED_DEVICE_MEMORY").ok()?.trim().parse().ok()
}

/// Why there is no adapter, and what helps.
fn nothing_found() -> String {
    let remedy = "or use --device flex; docs/gpu.md tells which driver a machine needs";
    match has_vulkan_loader() {
        Some(false) => format!(
            "no Vulkan loader (libvulkan.so.1) is installed, so no adapter can be found; install it \
             and the driver of the graphics card (Debian: `apt install libvulkan1 \
             mesa-vulkan-drivers`), {remedy}"
        ),
        _ => format!(
            "no adapter is found: no graphics driver answers; install the driver of the graphics card \
             (Debian, AMD and Intel: `apt install mesa-vulkan-drivers`), {remedy}"
        ),
    }
}

/// Whether the loader that finds Vulkan drivers is there; `None` where there is none to look for.
fn has_vulkan_loader() -> Option<bool> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // SAFETY: loading the loader runs none of its code but its initialisers, as wgpu itself does.
    Some(unsafe { libloading::Library::new("libvulkan.so.1") }.is_ok())
}
