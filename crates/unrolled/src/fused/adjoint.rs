//! The unroll and its adjoint by hand, as operations on tensors: for every operator, data fit and momentum, and for
//! devices that the kernels do not serve.
//!
//! Automatic differentiation would launch a dozen small operations in every iteration of the backward pass and keep
//! as many arrays; by hand it is the operator and its adjoint and a mask, and of an iteration only its codes are
//! kept.
//!
//! With `y_t = z_t + μ_t (z_t − z_{t−1})`, `v_t = y_t − α Dᵀ f'(D y_t − x)` and `z_{t+1} = prox(v_t)`, the adjoint of
//! codes `q = ∂ loss / ∂ z_{t+1}` is `s = [z_{t+1} ≠ 0] ⊙ q` for `v_t`; with `u = −α D s` it is
//! `g = s + Dᵀ (f'' ⊙ u)` for `y_t` (least squares with a matrix: `s − α DᵀD s`), `(1 + μ_t) g` for `z_t` and
//! `−μ_t g` for `z_{t−1}`.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use unrolled_kernels::Operator;

use super::card;
use super::description::{ProxDescription, ThresholdsDescription, UnrollDescription};
use crate::encoder::gradient_step::{GradientStep, StepSize, difference, zero_codes};
use crate::encoder::momentum::extrapolated;
use crate::encoder::{Encoder, Form};
use crate::fit::{DataFit, LeastSquares};
use crate::gradient::{Estimate, head};
use crate::loss::{Loss, Objective};
use crate::network::{Batch, SparseCoder};
use crate::operator::LinearOperator;
use crate::parameters::merge;
use crate::product::product;
use crate::prox::{Bias, LayeredSoftThreshold, Sided, by_entry, row, soft_threshold};

/// The derivative of a loss through the last `window` iterations of a network whose proximal operator is known.
pub(super) fn estimate<N: SparseCoder, L: Objective<N>>(
    network: &N,
    unroll: &UnrollDescription,
    batch: &Batch,
    loss: &L,
    window: usize,
) -> Option<Estimate> {
    let plain = network.valid();
    let (operator, x) = (plain.operator(), plain.inputs(&batch.x.clone().inner()));
    let window = window.min(unroll.count());
    let pass = Pass::prepare(unroll, operator, network.encoder().fit(), &x, window);
    if let Some(card) = pass.card(window) {
        let (codes, iterates) = card.forward();
        let head = match loss.known() {
            Some(Loss::LeastSquares) => head::of_least_squares(network, batch, codes),
            _ => head::differentiate(network, batch, loss, codes),
        };
        let mut estimate = head.estimate;
        if window > 0 {
            let back = pass.gather(card.backward(iterates, &head.of_codes).into());
            estimate.gradients = merge(network, estimate.gradients, back);
        }
        return Some(estimate);
    }
    let iterates = pass.forward(window);
    let codes = iterates.last().cloned().flatten().unwrap_or_else(|| zero_codes(operator, &x));
    let head = head::differentiate(network, batch, loss, codes);
    let mut estimate = head.estimate;
    // Without an iteration to differentiate there is no gradient but that at fixed codes.
    if window > 0 {
        let back = pass.backward(&iterates, head.of_codes);
        estimate.gradients = merge(network, estimate.gradients, back);
    }
    Some(estimate)
}

/// z_T by the kernels for cards; `None` where they cannot serve, or a graph is asked for.
pub(super) fn encode<O: LinearOperator>(
    unroll: &UnrollDescription,
    operator: &O,
    x: &Tensor<2>,
    start: Option<&Tensor<2>>,
) -> Option<Tensor<2>> {
    let matrix = operator.as_matrix()?.matrix;
    if start.is_some() || x.is_autodiff() || matrix.is_autodiff() {
        return None;
    }
    let form = Some(kernel_form(unroll, operator, x, 0)?);
    if unroll.form.is_some() && unroll.form != form {
        return None;
    }
    let unroll = UnrollDescription { form, ..*unroll };
    Some(Pass::prepare(&unroll, operator, &LeastSquares, x, 0).card(0)?.forward().0)
}

/// The form that kernels for cards need, where they serve.
fn kernel_form<O: LinearOperator>(
    unroll: &UnrollDescription,
    operator: &O,
    x: &Tensor<2>,
    window: usize,
) -> Option<Form> {
    let atoms = operator.as_matrix()?.matrix.dims()[1];
    card::serves(unroll, x, [atoms, x.dims()[0]], window).then_some(Form::Gram)
}

/// What does not change from one iteration to the next.
struct Pass<'a, O, F> {
    unroll: &'a UnrollDescription<'a>,
    operator: &'a O,
    fit: &'a F,
    x: &'a Tensor<2>,
    step: StepSize,
    gradient_step: GradientStep<'a, O, F>,
    /// μ of every iteration.
    weights: Vec<f64>,
    /// By layer and by entry, `[1, q]` or `[1, 1]`, where they are parameters: one for all iterations, or one for each.
    thresholds: Vec<Tensor<2>>,
}

impl<'a, O: LinearOperator, F: DataFit> Pass<'a, O, F> {
    fn prepare(
        unroll: &'a UnrollDescription<'a>,
        operator: &'a O,
        fit: &'a F,
        x: &'a Tensor<2>,
        window: usize,
    ) -> Self {
        let step = || StepSize::of(unroll.step, unroll.learned_step).inner();
        let width = operator.shape()[1];
        let form = unroll.form.or_else(|| kernel_form(unroll, operator, x, window));
        let thresholds = match unroll.prox.thresholds {
            ThresholdsDescription::Learned(bias) => vec![by_entry(bias.val().inner(), width)],
            ThresholdsDescription::Layered(prox) => {
                let biases = prox.biases().inner();
                (0..biases.dims()[0]).map(|layer| row(&biases, layer, width)).collect()
            }
            _ => Vec::new(),
        };
        Self {
            unroll,
            operator,
            fit,
            x,
            step: step(),
            gradient_step: GradientStep::prepare(operator, x, fit, step(), unroll.count(), form),
            weights: unroll.momentum.weights().take(unroll.count()).collect(),
            thresholds,
        }
    }

    /// The kernels for cards, where they serve.
    fn card(&self, window: usize) -> Option<card::Card> {
        let GradientStep::Gram { scaled_gram, correlations } = &self.gradient_step else {
            return None;
        };
        card::Card::prepare(self.unroll, scaled_gram, correlations, window)
    }

    /// z_{T − window − 1}, …, z_T; z₀ = 0 and what would be before it is `None`.
    fn forward(&self, window: usize) -> Vec<Option<Tensor<2>>> {
        let count = self.unroll.count();
        let mut iterates = vec![None, None];
        for iteration in 0..count {
            let [.., before, codes] = &iterates[..] else { unreachable!("two are always kept") };
            let y = extrapolated(codes.as_ref(), before.as_ref(), self.weights[iteration]);
            let next = self
                .threshold(self.gradient_step.take(y, self.unroll.first + iteration), iteration);
            if iteration + window < count {
                iterates.remove(0);
            }
            iterates.push(Some(next));
        }
        iterates
    }

    /// The proximal operator of an iteration; what it drops is 0 exactly.
    fn threshold(&self, v: Tensor<2>, iteration: usize) -> Tensor<2> {
        let ProxDescription { operator, sided, thresholds } = self.unroll.prox;
        if let Some(layer) = self.layer(iteration) {
            return soft_threshold(v, Bias::Learned(self.thresholds[layer].clone()), sided);
        }
        let threshold = match thresholds {
            ThresholdsDescription::Constant(threshold) => threshold,
            ThresholdsDescription::Scheduled(schedule) => {
                self.unroll.step * schedule.at(self.unroll.first + iteration)
            }
            ThresholdsDescription::Learned(_) | ThresholdsDescription::Layered(_) => {
                unreachable!("parameters were looked at above")
            }
        };
        match (operator, sided) {
            (Operator::Soft, Sided::Two) => v.clone().sub(v.clamp(-threshold, threshold)),
            (Operator::Soft, Sided::One) => v.sub_scalar(threshold).clamp_min(0.0),
            (Operator::Hard, Sided::Two) => {
                let dropped = v.clone().abs().lower_equal_elem(threshold);
                v.mask_fill(dropped, 0.0)
            }
            (Operator::Hard, Sided::One) => {
                let dropped = v.clone().lower_equal_elem(threshold);
                v.mask_fill(dropped, 0.0)
            }
        }
    }

    /// Back from `of_codes` = ∂ loss / ∂ z_T through the iterations between the iterates.
    fn backward(&self, iterates: &[Option<Tensor<2>>], of_codes: Tensor<2>) -> GradientsParams {
        let mut sums = Sums::default();
        let mut q = of_codes;
        let mut carried: Option<Tensor<2>> = None;
        let count = self.unroll.count();
        for (back, triple) in iterates.windows(3).rev().enumerate() {
            let [before, codes, Some(after)] = triple else {
                unreachable!("only z₀ is left out")
            };
            let weight = self.weights[count - 1 - back];
            let y = extrapolated(codes.as_ref(), before.as_ref(), weight);
            let s = q.mask_fill(after.clone().equal_elem(0.0), 0.0);
            let iteration = count - 1 - back;
            if let Some(layer) = self.layer(iteration) {
                sums.thresholds.resize_with(self.thresholds.len(), || None);
                let of_layer = &mut sums.thresholds[layer];
                add(of_layer, after.clone().sign().mul(s.clone()).sum_dim(0).neg());
            }
            let g = self.through_gradient_step(&mut sums, y, s, self.unroll.first + iteration);
            q = match weight == 0.0 {
                true => g.clone(),
                false => g.clone().mul_scalar(1.0 + weight),
            };
            if let Some(carried) = carried.take() {
                q = q.add(carried);
            }
            carried = (weight != 0.0).then(|| g.mul_scalar(-weight));
        }
        self.gather(sums)
    }

    /// From the cotangent `s` of `v` to that of `y`.
    fn through_gradient_step(
        &self,
        sums: &mut Sums,
        y: Option<Tensor<2>>,
        s: Tensor<2>,
        iteration: usize,
    ) -> Tensor<2> {
        if let GradientStep::Gram { scaled_gram, .. } = &self.gradient_step {
            if let Some(y) = y {
                add(&mut sums.products, product(y.transpose(), s.clone()));
            }
            add(&mut sums.cotangents, s.clone());
            return s.clone().sub(product(s, scaled_gram.clone()));
        }
        let layer = self.operator.at_iteration(iteration);
        let operator = layer.as_ref().unwrap_or(self.operator);
        let residual = match &y {
            Some(y) => difference(operator.forward(y.clone()), self.x),
            None => self.x.clone().neg(),
        };
        let descent = self.fit.gradient(residual.clone());
        let scaled = self.step.times(s.clone()).neg();
        let of_adjoint = operator.adjoint_weight_gradient(&scaled, &descent);
        self.count(sums, of_adjoint);
        if self.unroll.learned_step.is_some() {
            let unscaled = operator.pull_back_adjoint(s.clone());
            add(&mut sums.step, unscaled.mul(descent).sum().neg());
        }
        let u = operator.pull_back_adjoint(scaled);
        let of_residual = self.fit.curvature(&residual, u);
        if let Some(y) = y {
            let of_forward = operator.weight_gradient(&of_residual, &y);
            self.count(sums, of_forward);
        }
        s.add(operator.pull_back_forward(of_residual))
    }

    /// Whose thresholds an iteration has, where they are parameters.
    fn layer(&self, iteration: usize) -> Option<usize> {
        let last = self.thresholds.len().checked_sub(1)?;
        Some((self.unroll.first + iteration).min(last))
    }

    fn count(&self, sums: &mut Sums, more: GradientsParams) {
        let sum = std::mem::take(&mut sums.weights);
        sums.weights = merge(self.operator, sum, more);
    }

    /// From sums over iterations to gradients.
    fn gather(&self, sums: Sums) -> GradientsParams {
        let mut gradients = sums.weights;
        let mut step = sums.step;
        if let (Some(cotangents), Some(view)) = (sums.cotangents, self.operator.as_matrix()) {
            let matrix = view.matrix;
            let mut unscaled = product(self.x.clone().transpose(), cotangents);
            let learned = self.unroll.learned_step.is_some();
            if learned {
                // ⟨s, Dᵀ x⟩ − ⟨s, DᵀD y⟩, over all iterations.
                step = Some(matrix.clone().mul(unscaled.clone()).sum());
            }
            if let Some(products) = sums.products {
                let both = products.clone().add(products.clone().transpose());
                if learned {
                    let gram = product(matrix.clone().transpose(), matrix.clone());
                    step = step.map(|step| step.sub(gram.mul(products).sum()));
                }
                unscaled = unscaled.sub(product(matrix, both));
            }
            if let Some(parameter) = view.parameter {
                gradients.register(parameter, self.step.times(unscaled));
            }
        }
        match (self.unroll.prox.thresholds, &sums.thresholds[..]) {
            (ThresholdsDescription::Learned(bias), [Some(by_entry)]) => {
                let [count] = bias.dims();
                gradients.register(bias.id, by_bias(by_entry.clone(), count).reshape([count]));
            }
            (ThresholdsDescription::Layered(prox), by_layer) if !by_layer.is_empty() => {
                register_layers(&mut gradients, prox, by_layer);
            }
            _ => {}
        }
        if let (Some(parameter), Some(gradient)) = (self.unroll.learned_step, step) {
            gradients.register(parameter.id, gradient);
        }
        gradients
    }
}

/// Sums over iterations.
#[derive(Default)]
struct Sums {
    /// Of the operator's parameters.
    weights: GradientsParams,
    /// Gram form: Σ y_tᵀ s.
    products: Option<Tensor<2>>,
    /// Gram form: Σ s.
    cotangents: Option<Tensor<2>>,
    /// By layer and by entry, `[1, q]`.
    thresholds: Vec<Option<Tensor<2>>>,
    step: Option<Tensor<1>>,
}

impl From<card::Cotangents> for Sums {
    fn from(made: card::Cotangents) -> Self {
        Self {
            products: Some(made.products),
            cotangents: Some(made.cotangents),
            thresholds: vec![Some(made.thresholds)],
            ..Self::default()
        }
    }
}

/// The sum over the entries that each of `count` biases serves, `[count, 1]`.
fn by_bias(by_entry: Tensor<2>, count: usize) -> Tensor<2> {
    let [_, width] = by_entry.dims();
    by_entry.reshape([count, width / count]).sum_dim(1)
}

/// The gradients of biases `[layers, b]` and of their slopes; layers that were not gone through have 0.
fn register_layers(
    gradients: &mut GradientsParams,
    prox: &LayeredSoftThreshold,
    by_layer: &[Option<Tensor<2>>],
) {
    let base = prox.base.val().inner();
    let [_, count] = base.dims();
    let row = |by_layer: &Option<Tensor<2>>| match by_layer {
        Some(by_entry) => by_bias(by_entry.clone(), count).reshape([1, count]),
        None => base.clone().narrow(0, 0, 1).zeros_like(),
    };
    let of_base = Tensor::cat(by_layer.iter().map(row).collect(), 0);
    if let Some(slope) = &prox.slope {
        gradients.register(slope.id, of_base.clone().mul_scalar(prox.noise));
    }
    gradients.register(prox.base.id, of_base);
}

fn add<const R: usize>(sum: &mut Option<Tensor<R>>, more: Tensor<R>) {
    *sum = Some(match sum.take() {
        Some(sum) => sum.add(more),
        None => more,
    });
}
