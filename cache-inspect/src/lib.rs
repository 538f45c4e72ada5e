//! What is cached: what plays offline, which options and time ranges, how many bytes
