//! What is minimised.

use burn::tensor::Tensor;

/// A loss of the autoencoder on examples `x` with codes `z` and reconstructions `x̂ = D z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// reconstruction = ½ · mean over examples of ‖x − x̂‖².
    LeastSquares,
    /// lasso = reconstruction + λ · mean over examples of ‖z‖₁.
    Lasso,
}

/// The values of both losses, each of shape `[1]`.
#[derive(Clone, Debug)]
pub struct Losses {
    /// ½ · mean over examples of ‖x − x̂‖².
    pub reconstruction: Tensor<1>,
    /// reconstruction + λ · mean over examples of ‖z‖₁.
    pub lasso: Tensor<1>,
}

impl Losses {
    /// For a dictionary `[m, p]`, examples `[n, m]`, codes `[n, p]` and penalty λ.
    pub fn evaluate(
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        codes: &Tensor<2>,
        penalty: f64,
    ) -> Self {
        let reconstruction = reconstruction(dictionary, x, codes);
        let lasso = reconstruction.clone().add(sparsity(codes).mul_scalar(penalty));
        Self { reconstruction, lasso }
    }

    /// One of the two.
    pub fn get(&self, loss: Loss) -> &Tensor<1> {
        match loss {
            Loss::LeastSquares => &self.reconstruction,
            Loss::Lasso => &self.lasso,
        }
    }

    /// Without the graph.
    pub fn inner(self) -> Self {
        Self { reconstruction: self.reconstruction.inner(), lasso: self.lasso.inner() }
    }
}

/// ½ · mean over examples of ‖x − D z‖².
pub fn reconstruction(dictionary: &Tensor<2>, x: &Tensor<2>, codes: &Tensor<2>) -> Tensor<1> {
    let examples = x.dims()[0] as f64;
    let residual = residual(dictionary, x, codes);
    residual.clone().mul(residual).sum().mul_scalar(0.5 / examples)
}

/// mean over examples of ‖z‖₁. Its derivative at 0 is 0.
pub fn sparsity(codes: &Tensor<2>) -> Tensor<1> {
    let examples = codes.dims()[0] as f64;
    codes.clone().abs().sum().mul_scalar(1.0 / examples)
}

/// `D z − x`, `[n, m]`, with the graph of the codes and the dictionary where there is one.
pub(crate) fn residual(dictionary: &Tensor<2>, x: &Tensor<2>, codes: &Tensor<2>) -> Tensor<2> {
    let reconstruction = codes.clone().matmul(dictionary.clone().transpose());
    let x = match reconstruction.is_autodiff() {
        true => x.clone().autodiff(),
        false => x.clone(),
    };
    reconstruction.sub(x)
}
