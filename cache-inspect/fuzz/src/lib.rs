//! What must hold for any bytes, for the fuzz targets.

pub mod laws;
