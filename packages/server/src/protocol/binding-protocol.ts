// Which protocol the clients of a listener, or all of them (`-B`), speak. Knows neither of the two.

/** `auto`: each client's first byte tells. */
export type BindingProtocol = 'auto' | 'ascii' | 'binary'
