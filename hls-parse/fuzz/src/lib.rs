//! What must hold for any bytes, for the fuzz targets. The tests of hls-parse hold the same laws against every file in `seeds`.

pub mod laws;
