// What both programs of docs/guide/POLLER.md have in common.

impl Os {
    fn call<T>(&mut self, call: T) -> Result<usize, WsaError>
    where
        T: FnOnce(&mut TcpStream) -> io::Result<usize>,
    {
        let result = if self.reset {
            Err(WsaError::WSAECONNRESET)
        } else {
            call(&mut self.socket).map_err(WsaError::from)
        };
        self.reset = result.is_err_and(|error| error != WsaError::WSAEWOULDBLOCK);
        result
    }
}
