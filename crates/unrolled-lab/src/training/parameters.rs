//! The parameters of a module by name, whatever their rank: read, written, moved by an optimiser.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::{Bool, Tensor, TensorData};
use unrolled::optimizer::{AnyOptimizer, Atoms, Moments, OfAtoms};
use unrolled::tensors::all_finite;

/// The values of a module's parameters, by name.
pub type Values = BTreeMap<String, TensorData>;

/// What the optimiser remembers, by name; averages are flat.
pub type Memories = BTreeMap<String, Moments<1>>;

/// Gradients in the order of the module, flat.
pub(super) type Gradients = Vec<(String, Tensor<1>)>;

/// What the path of a parameter within its module is called in files.
const ALIASES: [(&str, &str); 7] = [
    ("dictionary.matrix", "dictionary"),
    ("dictionary.filters", "dictionary"),
    ("encoder.prox.bias", "bias"),
    ("encoder.learned_step", "step"),
    ("encoder.prox.base", "bias"),
    ("encoder.prox.slope", "bias_by_noise"),
    ("operator.inner.dictionary.filters", "dictionary"),
];

/// Where a walk over a module is.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    /// The alternatives of an enum are not part of a parameter's name.
    fn enter(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.push(name.to_owned());
        }
    }

    fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.pop();
        }
    }

    fn name(&self) -> String {
        let path = self.0.join(".");
        let alias = ALIASES.iter().find(|(known, _)| *known == path);
        match alias {
            Some((_, alias)) => (*alias).to_owned(),
            None => path.strip_prefix("operator.inner.").map_or(path.clone(), str::to_owned),
        }
    }
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let count = tensor.shape().num_elements();
    tensor.reshape([count])
}

struct Reading<'a> {
    path: Path,
    gradients: Option<&'a GradientsParams>,
    values: Values,
    flat: Gradients,
}

impl ModuleVisitor for Reading<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        match self.gradients {
            None => {
                self.values.insert(self.path.name(), parameter.val().inner().into_data());
            }
            Some(gradients) => self.flat.extend(
                gradients.get::<D>(parameter.id).map(|gradient| (self.path.name(), flat(gradient))),
            ),
        }
    }
}

fn read<'a, M: Module>(module: &M, gradients: Option<&'a GradientsParams>) -> Reading<'a> {
    let (values, flat) = Default::default();
    let mut reading = Reading { path: Path::default(), gradients, values, flat };
    module.visit(&mut reading);
    reading
}

/// The values of every parameter.
pub fn values<M: Module>(module: &M) -> Values {
    read(module, None).values
}

/// Whether each parameter is finite.
pub(super) fn finite_parameters<M: Module>(module: &M) -> Vec<Tensor<1, Bool>> {
    struct Finite(Vec<Tensor<1, Bool>>);
    impl ModuleVisitor for Finite {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            self.0.push(all_finite(&parameter.val()));
        }
    }
    let mut finite = Finite(Vec::new());
    module.visit(&mut finite);
    finite.0
}

/// The gradients of the parameters that have one.
pub(super) fn gradients_of<M: Module>(module: &M, gradients: &GradientsParams) -> Gradients {
    read(module, Some(gradients)).flat
}

struct Changing<F> {
    path: Path,
    change: F,
}

impl<F: FnMut(&str, Tensor<1>) -> Tensor<1>> ModuleMapper for Changing<F> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        parameter.map(|value| {
            let shape = value.shape();
            (self.change)(&name, flat(value.inner())).reshape(shape)
        })
    }
}

fn change<M: Module>(module: M, change: impl FnMut(&str, Tensor<1>) -> Tensor<1>) -> M {
    module.map(&mut Changing { path: Path::default(), change })
}

/// The module with these values; the message says which are missing or of another shape.
pub fn with_values<M: Module>(module: M, found: &Values) -> Result<M, String> {
    for (name, value) in &values(&module) {
        let shape = found.get(name).map(|found| found.shape());
        if shape != Some(value.shape()) {
            let shape = shape.map_or("missing".to_owned(), |shape| format!("{shape:?}"));
            return Err(format!("`{name}` is {shape} and should be {:?}", value.shape()));
        }
    }
    Ok(change(module, |name, value| {
        let (device, dtype) = (value.device(), value.dtype());
        Tensor::from_data(flattened(&found[name]), (&device, dtype))
    }))
}

fn flattened(data: &TensorData) -> TensorData {
    let count = data.shape().num_elements();
    TensorData::from_bytes_vec(data.as_bytes().to_vec(), [count], data.dtype())
}

/// The parameter that an optimiser of atoms moves.
pub const ATOMS: &str = "dictionary";

/// One step of an optimiser for every parameter that has a gradient; for an optimiser of atoms, with what it asks for
/// of their codes, flat.
pub(super) fn update<M: Module>(
    module: M,
    memories: &mut Memories,
    (gradients, mut atoms): (Gradients, Option<(Tensor<1>, Atoms)>),
    (optimizer, rate): (&AnyOptimizer, f64),
) -> M {
    let mut gradients: BTreeMap<String, Tensor<1>> = gradients.into_iter().collect();
    change(module, |name, value| {
        let Some(gradient) = gradients.remove(name) else { return value };
        let memory = memories.remove(name);
        let atoms = if name == ATOMS { atoms.take() } else { None };
        let (value, memory) = match atoms {
            None => optimizer.step(rate, value, gradient, memory),
            Some((curvature, atoms)) => {
                let curvature = curvature.cast(gradient.dtype());
                let batch = OfAtoms { atoms, gradient, curvature };
                let (value, memory) = optimizer.step_of_atoms(rate, value, batch, memory);
                (value, Some(memory))
            }
        };
        memories.extend(memory.map(|memory| (name.to_owned(), memory)));
        value
    })
}
