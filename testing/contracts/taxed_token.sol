// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {CleanToken} from "./clean_token.sol";

/// Takes 30 % of whatever moves, for its owner; the owner itself pays nothing.
contract TaxedToken is CleanToken {
    constructor(uint256 supply) CleanToken(supply) {}

    function move(address from, address to, uint256 value) internal override {
        uint256 tax = from == owner || to == owner ? 0 : (value * 30) / 100;
        if (tax > 0) super.move(from, owner, tax);
        super.move(from, to, value - tax);
    }
}
