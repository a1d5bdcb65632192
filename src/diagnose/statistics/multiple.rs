//! Many tests at once.

/// For each p-value the least rate of false discoveries at which it would be one: Benjamini and Hochberg's adjusted
/// p-values, in the order given.
///
/// Source: Y. Benjamini, Y. Hochberg, Controlling the False Discovery Rate, JRSS B 57 (1995) 289–300.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut least: f64 = 1.0;
    for (rank, index) in order.into_iter().enumerate().rev() {
        least = least.min(p_values[index] * p_values.len() as f64 / (rank as f64 + 1.0));
        adjusted[index] = least;
    }
    adjusted
}
