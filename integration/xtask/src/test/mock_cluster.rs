//! The Python packages of which tests of the driver `kubernetes` make a cluster, fetched with pip into the cache.

use std::path::PathBuf;

use anyhow::Result;
use galaxy_stack::{Layout, Ui, python_library};

/// Where tests look for the packages.
pub const VARIABLE: &str = "GALAXY_TEST_KMOCK";

/// A mock API server, the published schemas of Kubernetes' objects, and all that these need (Python 3.11 or newer).
const PACKAGES: [&str; 21] = [
    "kmock==0.8",
    "kubernetes-validate==1.37.0",
    "aiohappyeyeballs==2.7.1",
    "aiohttp==3.14.5",
    "aiosignal==1.4.0",
    "attrs==26.1.0",
    "frozenlist==1.8.0",
    "idna==3.20",
    "importlib-resources==7.1.0",
    "jsonpatch==1.48",
    "jsonpointer==3.12",
    "jsonschema==4.26.0",
    "jsonschema-specifications==2025.9.1",
    "multidict==7.2.1",
    "packaging==26.4",
    "propcache==0.5.4",
    "PyYAML==6.0.4",
    "referencing==0.37.0",
    "rpds-py==2026.9.1",
    "typing_extensions==4.16.0",
    "yarl==1.25.1",
];

/// The directory of the packages.
pub fn packages(layout: &Layout, ui: Ui) -> Result<PathBuf> {
    let announce = || ui.step("getting a mock Kubernetes cluster with pip (some 40 MB, once)");
    python_library(
        "mock-cluster-1",
        &PACKAGES,
        "kmock",
        &layout.cache(),
        announce,
    )
}
