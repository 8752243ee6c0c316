//! The contract, over the registry in this process.

use cordial_runtime::{MemoryRegistry, Registry};
use registry_contract::{Cuttable, Harness, Line};
use std::{sync::Arc, time::Duration};

struct Memory {
    registry: MemoryRegistry,
    line: Line,
}

impl Harness for Memory {
    const LEASE: Duration = Duration::from_secs(1);
    const SLACK: Duration = Duration::from_secs(1);

    async fn start() -> Self {
        Self {
            registry: MemoryRegistry::new(),
            line: Line::new(),
        }
    }

    fn client(&self) -> Arc<dyn Registry> {
        let registry = Arc::new(self.registry.clone());
        Arc::new(Cuttable::new(registry, self.line.clone()))
    }

    async fn wipe(&self) {
        self.registry.clear();
    }

    async fn cut(&self) {
        self.line.set_cut(true);
    }

    async fn mend(&self) {
        self.line.set_cut(false);
    }

    async fn restart_empty(&self) {
        self.line.set_cut(true);
        self.registry.clear();
        self.line.set_cut(false);
    }

    async fn write_rubbish(&self, _service: &str) -> bool {
        // It holds instances, and nothing else.
        false
    }
}

registry_contract::suite!(Memory);
