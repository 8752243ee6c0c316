//! One connection of a client, and that to the server which belongs to it.

use crate::{Carried, Faults, pump::Pump};
use tokio::{net::TcpStream, sync::watch};

pub(crate) struct Link {
    client: TcpStream,
    server: TcpStream,
    faults: watch::Receiver<Faults>,
    nth: u64,
    ended: bool,
}

impl Link {
    pub(crate) fn new(
        client: TcpStream,
        server: TcpStream,
        faults: watch::Receiver<Faults>,
        nth: u64,
    ) -> Self {
        Self {
            client,
            server,
            faults,
            nth,
            ended: false,
        }
    }

    /// Until both directions have ended, or the link was reset.
    pub(crate) async fn run(mut self, carried: &Carried) {
        // Without it the kernel delays by itself.
        let _ = self.client.set_nodelay(true);
        let _ = self.server.set_nodelay(true);
        let seed = self.faults.borrow().seed.wrapping_add(self.nth << 1);
        let to_server = Pump {
            faults: self.faults.clone(),
            way: |faults| faults.to_server,
            random: fastrand::Rng::with_seed(seed),
            carried: &carried.to_server,
        };
        let to_client = Pump {
            faults: self.faults.clone(),
            way: |faults| faults.to_client,
            random: fastrand::Rng::with_seed(seed ^ 1),
            carried: &carried.to_client,
        };
        let (from_client, into_client) = self.client.split();
        let (from_server, into_server) = self.server.split();
        let both = async {
            tokio::try_join!(
                to_server.run(from_client, into_server),
                to_client.run(from_server, into_client),
            )
        };
        self.ended = both.await.is_ok();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if !self.ended {
            // A socket whose peer has gone has nobody to tell.
            let _ = self.client.set_zero_linger();
            let _ = self.server.set_zero_linger();
        }
    }
}
