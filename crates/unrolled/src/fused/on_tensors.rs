//! The unroll and its adjoint by hand, as operations on tensors: for devices that the kernels do not serve.
//!
//! The same mathematics as in `unrolled-kernels`, dense. Automatic differentiation would launch a dozen small
//! operations in every iteration of the backward pass and keep as many arrays; by hand it is one product
//! (two in residual form) and a mask, and of an iteration only its codes are kept.
//!
//! With `v_t = z_t − α Dᵀ(D z_t − x)` and `z_{t+1} = prox(v_t)`, the adjoint of codes `q = ∂ loss / ∂ z_{t+1}` is
//! `s = [z_{t+1} ≠ 0] ⊙ q` for `v_t`, and `q ← s − α DᵀD s` for `z_t`.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use unrolled_kernels::Operator;

use super::description::{FusedProx, FusedThresholds, FusedUnroll};
use super::estimate::Through;
use crate::autoencoder::Autoencoder;
use crate::encoder::{Encoder, Form};
use crate::gradient::{Estimate, gradient_at_codes};
use crate::loss::{Loss, Losses, residual};
use crate::prox::{Bias, Sided, soft_threshold};

/// The estimate for a network and examples `[n, m]`; `None` for what is not differentiated through
/// iterations: there the plain path is as good.
pub(super) fn estimate<E: Encoder>(
    network: &Autoencoder<E>,
    x: &Tensor<2>,
    through: Through,
) -> Option<Estimate> {
    let Through::Iterations(loss, window) = through else { return None };
    let unroll = network.encoder.fused()?;
    let dictionary = network.dictionary.matrix.val().inner();
    let x = x.clone().inner();
    let penalty = network.encoder.penalty();
    let pass = Pass::prepare(&unroll, &dictionary, &x);
    let window = window.min(unroll.count());
    let iterates = pass.forward(window);
    let codes = iterates.last().cloned().flatten().unwrap_or_else(|| pass.zero());
    let losses = Losses::evaluate(&dictionary, &x, &codes, penalty);
    let direct = gradient_at_codes(&dictionary, &x, &codes);
    let mut gradients = GradientsParams::new();
    let id = network.dictionary.matrix.id;
    // Without an iteration to differentiate there is no gradient but that of D.
    if window == 0 {
        gradients.register(id, direct);
        return Some(Estimate { codes, losses, gradients });
    }
    // Of the mean over examples: Dᵀ(D z_T − x), and λ sign(z_T) for the lasso.
    let mean = 1.0 / x.dims()[0] as f64;
    let of_codes = residual(&dictionary, &x, &codes).matmul(dictionary.clone());
    let of_codes = match loss {
        Loss::LeastSquares => of_codes,
        Loss::Lasso => of_codes.add(codes.clone().sign().mul_scalar(penalty)),
    };
    let adjoint = pass.backward(&iterates, of_codes.mul_scalar(mean));
    gradients.register(id, direct.add(adjoint.dictionary));
    if let (FusedThresholds::Learned(bias), Some(by_atom)) = (unroll.prox.thresholds, adjoint.bias)
    {
        let gradient = match bias.dims() {
            [1] => by_atom.sum(),
            [atoms] => by_atom.reshape([atoms]),
        };
        gradients.register(bias.id, gradient);
    }
    if let (Some(step), Some(gradient)) = (unroll.learned_step, adjoint.step) {
        gradients.register(step.id, gradient);
    }
    Some(Estimate { codes, losses, gradients })
}

/// What does not change from one iteration to the next.
struct Pass<'a> {
    unroll: &'a FusedUnroll<'a>,
    dictionary: Tensor<2>,
    x: Tensor<2>,
    /// α D.
    scaled: Tensor<2>,
    gram: Option<Gram>,
    /// By atom, `[1, p]`, where they are parameters.
    thresholds: Option<Tensor<2>>,
}

struct Gram {
    /// α DᵀD.
    scaled: Tensor<2>,
    /// α X D.
    correlations: Tensor<2>,
}

/// What the backward pass gives.
struct Adjoint {
    dictionary: Tensor<2>,
    /// By atom, `[1, p]`.
    bias: Option<Tensor<2>>,
    step: Option<Tensor<1>>,
}

impl<'a> Pass<'a> {
    fn prepare(unroll: &'a FusedUnroll<'a>, dictionary: &Tensor<2>, x: &Tensor<2>) -> Self {
        let ([m, p], [n, _]) = (dictionary.dims(), x.dims());
        let form = unroll.form.unwrap_or_else(|| Form::cheapest(m, p, unroll.count(), n));
        let scaled = match unroll.learned_step {
            Some(step) => dictionary.clone().mul(step.val().inner().reshape([1, 1])),
            None => dictionary.clone().mul_scalar(unroll.step),
        };
        let gram = (form == Form::Gram).then(|| Gram {
            scaled: dictionary.clone().transpose().matmul(scaled.clone()),
            correlations: x.clone().matmul(scaled.clone()),
        });
        let thresholds = match unroll.prox.thresholds {
            FusedThresholds::Learned(bias) => {
                let bias = bias.val().inner();
                let count = bias.dims()[0];
                Some(bias.reshape([1, count]).expand([1, p]))
            }
            _ => None,
        };
        Self { unroll, dictionary: dictionary.clone(), x: x.clone(), scaled, gram, thresholds }
    }

    fn zero(&self) -> Tensor<2> {
        let ([_, p], [n, _]) = (self.dictionary.dims(), self.x.dims());
        Tensor::zeros([n, p], (&self.x.device(), self.x.dtype()))
    }

    /// z_{T − window}, …, z_T; z₀ = 0 is `None`.
    fn forward(&self, window: usize) -> Vec<Option<Tensor<2>>> {
        let count = self.unroll.count();
        let mut iterates = Vec::with_capacity(window + 1);
        let mut codes = None;
        for iteration in 0..count {
            if iteration + window >= count {
                iterates.push(codes.clone());
            }
            codes = Some(self.shrink(self.gradient_step(codes), iteration));
        }
        iterates.push(codes);
        iterates
    }

    /// `z − α Dᵀ(D z − x)`.
    fn gradient_step(&self, codes: Option<Tensor<2>>) -> Tensor<2> {
        match (&self.gram, codes) {
            (Some(gram), None) => gram.correlations.clone(),
            (Some(gram), Some(z)) => {
                z.clone().sub(z.matmul(gram.scaled.clone())).add(gram.correlations.clone())
            }
            (None, None) => self.x.clone().matmul(self.scaled.clone()),
            (None, Some(z)) => {
                let residual = residual(&self.dictionary, &self.x, &z);
                z.sub(residual.matmul(self.scaled.clone()))
            }
        }
    }

    /// The proximal operator of an iteration; what it drops is 0 exactly.
    fn shrink(&self, v: Tensor<2>, iteration: usize) -> Tensor<2> {
        let FusedProx { operator, sided, thresholds } = self.unroll.prox;
        if let Some(thresholds) = &self.thresholds {
            return soft_threshold(v, Bias::Learned(thresholds.clone()), sided);
        }
        let threshold = match thresholds {
            FusedThresholds::Constant(threshold) => threshold,
            FusedThresholds::Scheduled(schedule) => {
                self.unroll.step * schedule.at(self.unroll.first + iteration)
            }
            FusedThresholds::Learned(_) => unreachable!("parameters were looked at above"),
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
    fn backward(&self, iterates: &[Option<Tensor<2>>], of_codes: Tensor<2>) -> Adjoint {
        let mut sums = Sums::default();
        let mut q = of_codes;
        for pair in iterates.windows(2).rev() {
            let [before, Some(after)] = pair else { unreachable!("only z₀ is left out") };
            let s = q.mask_fill(after.clone().equal_elem(0.0), 0.0);
            if self.thresholds.is_some() {
                add(&mut sums.bias, after.clone().sign().mul(s.clone()).sum_dim(0).neg());
            }
            q = match &self.gram {
                Some(gram) => {
                    if let Some(z) = before {
                        add(&mut sums.products, z.clone().transpose().matmul(s.clone()));
                    }
                    add(&mut sums.cotangents, s.clone());
                    s.clone().sub(s.matmul(gram.scaled.clone()))
                }
                None => {
                    let residual = match before {
                        Some(z) => residual(&self.dictionary, &self.x, z),
                        None => self.x.clone().neg(),
                    };
                    let v = s.clone().matmul(self.dictionary.clone().transpose());
                    if self.unroll.learned_step.is_some() {
                        add(&mut sums.step, v.clone().mul(residual.clone()).sum().neg());
                    }
                    add(&mut sums.of_scaled, residual.transpose().matmul(s.clone()));
                    if let Some(z) = before {
                        add(&mut sums.of_scaled, v.clone().transpose().matmul(z.clone()));
                    }
                    s.sub(v.matmul(self.scaled.clone()))
                }
            };
        }
        self.gather(sums)
    }

    /// From sums over iterations to gradients.
    fn gather(&self, sums: Sums) -> Adjoint {
        let mut step = sums.step;
        let unscaled = match (sums.products, sums.cotangents) {
            (products, Some(cotangents)) => {
                let of_correlations = self.x.clone().transpose().matmul(cotangents);
                let learned = self.unroll.learned_step.is_some();
                if learned {
                    // ⟨s, Dᵀ x⟩ − ⟨s, DᵀD z⟩, over all iterations.
                    step = Some(self.dictionary.clone().mul(of_correlations.clone()).sum());
                }
                match products {
                    None => of_correlations,
                    Some(products) => {
                        let both = products.clone().add(products.clone().transpose());
                        if learned {
                            let gram = self.dictionary.clone().transpose();
                            let gram = gram.matmul(self.dictionary.clone());
                            step = step.map(|step| step.sub(gram.mul(products).sum()));
                        }
                        of_correlations.sub(self.dictionary.clone().matmul(both))
                    }
                }
            }
            _ => sums.of_scaled.expect("at least one iteration is differentiated").neg(),
        };
        let dictionary = match self.unroll.learned_step {
            Some(step) => unscaled.mul(step.val().inner().reshape([1, 1])),
            None => unscaled.mul_scalar(self.unroll.step),
        };
        Adjoint { dictionary, bias: sums.bias, step }
    }
}

/// Sums over iterations.
#[derive(Default)]
struct Sums {
    /// Gram form: Σ z_tᵀ s.
    products: Option<Tensor<2>>,
    /// Gram form: Σ s.
    cotangents: Option<Tensor<2>>,
    /// Residual form: Σ (D z_t − x)ᵀ s + (D s)ᵀ z_t.
    of_scaled: Option<Tensor<2>>,
    bias: Option<Tensor<2>>,
    step: Option<Tensor<1>>,
}

fn add<const R: usize>(sum: &mut Option<Tensor<R>>, more: Tensor<R>) {
    *sum = Some(match sum.take() {
        Some(sum) => sum.add(more),
        None => more,
    });
}
