// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Says one price, in the shape of a Chainlink aggregator.
contract FixedPrice {
    uint8 public constant decimals = 8;
    int256 public latestAnswer;

    constructor(int256 price) {
        latestAnswer = price;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, latestAnswer, block.timestamp, block.timestamp, 1);
    }
}
